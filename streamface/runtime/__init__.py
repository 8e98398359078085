"""Running networks: sessions, conversion, weights, cache."""
