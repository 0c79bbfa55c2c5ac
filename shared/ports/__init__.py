"""The seams between the services and what carries out their decisions, one module per seam."""
