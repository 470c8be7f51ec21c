# One image a binary: --target mentor-service, notify-service, request-service or rematch. `./dev k8s image` builds all four without a container
# engine; with one:
#   docker build --target mentor-service --build-arg COMMIT=$(git rev-parse --short HEAD) -t rematch/mentor-service .
ARG BASE=debian:12

FROM ${BASE} AS build
WORKDIR /src
COPY dev ./
RUN ./dev setup
COPY . ./
ARG COMMIT=development
# Debug symbols stay behind; what a build made before it is taken from the cache of the compiler, where one is mounted at /ccache.
RUN export CCACHE_DIR=/ccache CCACHE_BASEDIR=/src \
 && cmake --preset release -DREMATCH_COMMIT="${COMMIT}" \
 && cmake --build build/release --target mentor-service notify-service request-service rematch -j "$(nproc)" \
 && for binary in mentor-service notify-service request-service rematch; do tools/k8s/image_root build/release/bin "$binary" "/images/$binary"; done \
 && rm -rf build

# Nothing but what the binary links, zones, authorities and policies: no shell, no package manager, nobody to become.
FROM scratch AS runtime
ARG COMMIT=development
ARG VERSION=development
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${COMMIT}"
USER 10001:10001

FROM runtime AS mentor-service
LABEL org.opencontainers.image.title="mentor-service" org.opencontainers.image.description="Rematch: the roster, caseloads and seats"
COPY --from=build /images/mentor-service /
ENTRYPOINT ["/usr/bin/mentor-service"]

FROM runtime AS notify-service
LABEL org.opencontainers.image.title="notify-service" org.opencontainers.image.description="Rematch: messages and the way to the mail server"
COPY --from=build /images/notify-service /
ENTRYPOINT ["/usr/bin/notify-service"]

FROM runtime AS request-service
LABEL org.opencontainers.image.title="request-service" org.opencontainers.image.description="Rematch: reassignment cases and their escalation"
COPY --from=build /images/request-service /
ENTRYPOINT ["/usr/bin/request-service"]

FROM runtime AS rematch
LABEL org.opencontainers.image.title="rematch" org.opencontainers.image.description="Rematch: the command line"
COPY --from=build /images/rematch /
ENTRYPOINT ["/usr/bin/rematch"]
