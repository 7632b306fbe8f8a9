# The service, the command line and the models; nothing of training.
#
#   docker build -t nerve .                                  the CPU build of torch, or none at all
#   docker build -t nerve --build-arg TORCH=2.13.0 .         the CUDA build that pip finds by default on Linux
#   ... --build-arg TORCH_INDEX=URL                          the index that pip takes torch from, and nothing else
#   ... --build-arg TORCH_SHA256=DIGEST                      the wheel of a torch that requirements/ does not list
#   ... --build-arg PYTHON_IMAGE=NAME@sha256:DIGEST          the base image by its content, as a release has it
#   ... --build-arg SOURCE_DATE_EPOCH=SECONDS                the time that all files get
#
# Every wheel is checked against the SHA-256 in requirements/ before anything in it runs (docs/security.md). The same
# inputs give the same files: nothing that is copied into the image holds the time of the build.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM $PYTHON_IMAGE AS build
ARG TORCH=2.13.0+cpu
ARG TORCH_INDEX=
ARG TORCH_SHA256=
ARG SOURCE_DATE_EPOCH=0
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_QUIET=1 \
    PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv --without-pip /venv
WORKDIR /build
COPY requirements ./requirements
# Wheels only, because a source distribution would run code of its own here. === because pip takes ==2.13.0 to mean
# 2.13.0+cpu, too.
RUN set -- --require-hashes --no-deps --no-compile --only-binary=:all: \
    && pip --python /venv install "$@" --requirement requirements/service.txt \
    && case "$TORCH" in \
      *+cpu) ;; \
      *) pip --python /venv install "$@" --requirement requirements/cuda.txt ;; \
    esac \
    && if [ -n "$TORCH_SHA256" ]; \
      then echo "torch===$TORCH --hash=sha256:$TORCH_SHA256" > torch.txt; \
      else sed 's/==/===/' "requirements/torch-$TORCH.txt" > torch.txt; fi \
    && pip --python /venv install "$@" ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} --requirement torch.txt \
    && pip --python /venv check \
    || { echo "If pip found no torch $TORCH, give it an index: --build-arg TORCH_INDEX=URL (README.md, Docker); if" \
      "requirements/ has no file for it, or other hashes, give its own: --build-arg TORCH_SHA256=…" >&2; exit 1; }
# What torch carries for building extensions and for testing itself: 190 MB that nothing here opens.
RUN cd /venv/lib/python3.11/site-packages/torch && rm -rf test include share/cmake \
    && find bin -mindepth 1 ! -name torch_shm_manager -delete
# Without the code beside it, pyproject.toml installs the program `nerve` and the metadata alone: a change of code, or
# of the README that the metadata name, does not install them again. setuptools is the one of requirements/.
# torch carries a file in the syntax of Python 3.12, py312_intrinsics.py, which 3.11 cannot compile and nobody imports.
COPY pyproject.toml LICENSE ./
RUN touch README.md && pip --python /venv install --no-index --no-deps --no-compile --no-build-isolation . \
    && /venv/bin/python -m compileall -q -x py312 --invalidation-mode unchecked-hash /venv/lib \
    && find /venv -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} + \
    && mkdir -p /layers/packages && mv /venv /layers/packages/
WORKDIR /layers/code/app
# Readable by user 10001, whatever umask the clone was made with.
COPY --chmod=755 LICENSE ./
COPY --chmod=755 nerve/*.py ./nerve/
COPY --chmod=755 model ./nerve/model
COPY --chmod=755 service ./nerve/service
COPY --chmod=755 bulk ./nerve/bulk
COPY --chmod=755 patterns ./nerve/patterns
COPY --chmod=755 cli ./nerve/cli
COPY --chmod=755 models ./nerve/models
COPY scripts/sbom.py /build/
# Compiled here, because nothing can be written later.
RUN /layers/packages/venv/bin/python -I /build/sbom.py --models nerve/models > sbom.json \
    && /layers/packages/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash nerve \
    && find /layers/code/app -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM $PYTHON_IMAGE
LABEL org.opencontainers.image.title=nerve \
      org.opencontainers.image.description="Named-entity recognition over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-SA-4.0"
ENV PATH=/venv/bin:$PATH HOME=/tmp HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app
# The folders that hold /venv and /app, because a folder that COPY itself makes gets the time of the build.
COPY --from=build /layers/packages /
COPY --from=build /layers/code /
WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Not urllib: it would ask a proxy of the environment for 127.0.0.1.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-IS", "-c", \
  "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "nerve.service"]
