"""The endpoint under load, beside moto's server and MiniStack."""
