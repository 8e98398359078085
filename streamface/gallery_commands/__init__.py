"""The commands for the folder of people and for strangers: `streamface gallery`."""
