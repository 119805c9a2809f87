ARG BASE=python:3.13-slim
# The digest that BASE had when it was looked at, such as sha256:…; with one, the same image is built again.
ARG DIGEST=

FROM ${BASE}${DIGEST:+@${DIGEST}} AS build
# gpu for NVIDIA's CUDA: ONNX Runtime's other build, and the libraries it needs; serve to read tables too (pyarrow)
ARG LOCK=image
WORKDIR /source
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/lossapi
COPY requirements/build.txt requirements/${LOCK}.txt requirements/
RUN /build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt \
    && /build/bin/pip --python /opt/lossapi/bin/python install \
        --no-cache-dir --no-deps --require-hashes -r requirements/${LOCK}.txt
COPY pyproject.toml LICENSE README.md ./
COPY lossapi lossapi
COPY service service
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/pip --python /opt/lossapi/bin/python install --no-cache-dir --no-deps --no-index /wheels/*.whl \
    && find /opt/lossapi -depth -type d -name tests -exec rm -r {} +
# What is in it, in CycloneDX: docker run --rm --entrypoint cat lossapi /opt/lossapi/sbom.cdx.json
COPY requirements/sbom.txt requirements/
RUN python3 -m venv /sbom \
    && /sbom/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/sbom.txt \
    && /sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON \
        --output-file /opt/lossapi/sbom.cdx.json /opt/lossapi/bin/python
# Every loop compiled ahead for kinds of processors, by a compiler that stays behind
COPY requirements/compiler.txt requirements/
RUN /build/bin/pip install --no-cache-dir --no-deps --require-hashes --target /compiler -r requirements/compiler.txt \
    && PYTHONPATH=/compiler LOSSAPI_CACHE=/opt/lossapi/loops /opt/lossapi/bin/lossapi warm --portable \
    && chmod -R a+rX /opt/lossapi/loops

FROM ${BASE}${DIGEST:+@${DIGEST}}
LABEL org.opencontainers.image.title="lossapi" \
    org.opencontainers.image.description="Machine-learning losses and metrics over HTTP" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/lossapi /opt/lossapi
ENV PATH=/opt/lossapi/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOSSAPI_HOST=0.0.0.0 \
    LOSSAPI_PORT=8000 \
    LOSSAPI_CACHE=/opt/lossapi/loops \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LOSSAPI_STORE=sqlite:////var/lib/lossapi/streams.db
# a volume: what streams hold outlives the container
RUN install --directory --owner=65532 --group=65532 /var/lib/lossapi
VOLUME /var/lib/lossapi
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
    CMD ["python3", "-c", "import http.client, os, sys; server = http.client.HTTPConnection('127.0.0.1', int(os.environ['LOSSAPI_PORT']), timeout=2); server.request('GET', '/health/ready'); sys.exit(server.getresponse().status != 200)"]
ENTRYPOINT ["lossapi"]
CMD ["serve"]
