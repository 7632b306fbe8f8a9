"""HTTP around archives: `python -m service` starts it. Imports `model`, never `training`."""
