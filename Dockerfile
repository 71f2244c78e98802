# One image for the server, its migrations and its workers. Pinned by digest, exact packages with hashes, not root.
FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/caviar
ENV PATH=/opt/caviar/bin:$PATH
WORKDIR /source
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY search search
COPY trainer trainer
COPY service service
COPY caviar caviar
COPY db_migrations db_migrations
RUN pip install --no-deps --no-build-isolation .


FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

RUN useradd --system --uid 10001 --home-dir /var/lib/caviar --create-home caviar \
    && install -d -o caviar -g caviar -m 0750 /var/cache/caviar
COPY --from=build /opt/caviar /opt/caviar
# Kernels, compiled once for each kind of processor, and the workers' data sets are kept in the cache folder.
ENV PATH=/opt/caviar/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CAVIAR_DATA=/var/lib/caviar \
    CAVIAR_LOG_FORMAT=json \
    CAVIAR_CACHE=/var/cache/caviar
USER 10001
WORKDIR /var/lib/caviar
VOLUME ["/var/lib/caviar", "/var/cache/caviar"]
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["caviar"]
CMD ["serve", "--host", "0.0.0.0"]
