#!/usr/bin/env bash
# Makes the Python stubs of the suite's protos in a folder: make_stubs.sh FOLDER
# Debian packages: protobuf-compiler, protobuf-compiler-grpc, golang-github-grpc-ecosystem-grpc-gateway-dev (google/rpc/*.proto).
set -euo pipefail
out=${1:?usage: make_stubs.sh FOLDER}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
google=${GOOGLE_PROTOS:-/usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis}
mkdir -p "$out"
cd "$root/protos"
mapfile -t protos < <(find rematch google -name '*.proto')
protoc -I . -I "$google" --python_out="$out" --grpc_python_out="$out" --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" \
  "${protos[@]}" google/rpc/status.proto google/rpc/error_details.proto
