# For machines that cannot isolate student code themselves: macOS and Windows. README.md says how to build and run it.
FROM debian:bookworm-20250520-slim

RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates libarchive13 python3 python3-venv && \
    rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 grader && install -d -o grader -g grader /data /zips

# On Linux torch comes with CUDA, some gigabytes that are of no use here: an index of builds for the CPU alone can be
# given with --build-arg.
ARG PIP_EXTRA_INDEX_URL
COPY pyproject.toml README.md LICENSE constraints.txt /source/
COPY fixtures /source/fixtures
COPY grader /source/grader
COPY reference /source/reference
COPY reports /source/reports
RUN python3 -m venv /opt/grader && \
    /opt/grader/bin/pip install --no-cache-dir --constraint /source/constraints.txt /source && \
    rm -rf /source

# CIFAR-10, weights of ImageNet: fetched on first use.
VOLUME /data
ENV XDG_CACHE_HOME=/data
ENV PATH=/opt/grader/bin:$PATH
USER grader
WORKDIR /zips
CMD ["grade", "--help"]
