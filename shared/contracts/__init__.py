"""What crosses a process or company boundary: versioned shapes with golden tests."""
