"""The bundled scorers, one a file."""
