"""The API's own description, written from the routes that serve it, and a page to read and try it on."""
