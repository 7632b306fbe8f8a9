"""One file per wire contract, each a function from the running service to an `APIRouter`."""
