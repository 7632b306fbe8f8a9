# The service, the command line and the models; nothing of training.
#
#   docker build -t nerve .                                  the CPU build of torch, or none at all
#   docker build -t nerve --build-arg TORCH=2.13.0 .         the CUDA build that pip finds by default on Linux
#   ... --build-arg TORCH_INDEX=URL                          an index more for pip to find either in

FROM python:3.11-slim-bookworm AS build
# A whole version, its local part included: pip must not take CUDA where CPU is meant, nor the other way round.
ARG TORCH=2.13.0+cpu
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /venv
WORKDIR /build
# Without the code beside it, pyproject.toml installs its dependencies and the metadata alone: a change of code, or of
# the README that the metadata name, does not install them again.
COPY pyproject.toml constraints.txt LICENSE ./
RUN touch README.md && pip --python /venv install --quiet ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
      --constraint constraints.txt . "torch===$TORCH" \
    || { echo "If pip found no torch $TORCH, give it an index: --build-arg TORCH_INDEX=URL (README.md, Docker)" >&2; exit 1; }
# What torch carries for building extensions and for testing itself: 190 MB that nothing here opens.
RUN cd /venv/lib/python3.11/site-packages/torch && rm -rf test include share/cmake \
    && find bin -mindepth 1 ! -name torch_shm_manager -delete

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title=nerve \
      org.opencontainers.image.description="Named-entity recognition over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-SA-4.0"
ENV PATH=/venv/bin:$PATH HOME=/tmp HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app
COPY --from=build /venv /venv
WORKDIR /app
# Readable by user 10001, whatever umask the clone was made with; a chmod in a layer of its own would store all twice.
COPY --chmod=755 LICENSE ./
COPY --chmod=755 nerve/*.py ./nerve/
COPY --chmod=755 model ./nerve/model
COPY --chmod=755 service ./nerve/service
COPY --chmod=755 cli ./nerve/cli
COPY --chmod=755 models ./nerve/models
# Compiled here, because nothing can be written later.
RUN python -m compileall -q nerve
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Not urllib: it would ask a proxy of the environment for 127.0.0.1.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-IS", "-c", \
  "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "nerve.service"]
