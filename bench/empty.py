"""A FastAPI endpoint with a constant answer, served by uvicorn: what HTTP alone costs. Started by bench.http.

python -m bench.empty 8001
"""

import sys

import uvicorn
from fastapi import FastAPI

from nerve.service.api.examples import EXAMPLE_ENTS, EXAMPLE_TEXT

app = FastAPI()


@app.post("/v1/entities")
async def entities(_body: dict[str, str]) -> dict[str, object]:
    """Answer with a constant."""
    return {"text": EXAMPLE_TEXT, "ents": EXAMPLE_ENTS, "model": "en"}


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Answer at once."""
    return {"status": "ready"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error")
