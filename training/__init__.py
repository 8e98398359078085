"""How the networks in streamface/bundled were made; never imported by the package."""
