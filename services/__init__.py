"""The processes, in the order in which a number travels: api, pacer, dialer; beside them dashboard and cli."""
