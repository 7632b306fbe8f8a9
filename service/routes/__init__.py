"""One file per wire contract, and one each for the two pages; each has a function that makes an `APIRouter`."""
