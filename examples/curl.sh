#!/bin/sh
# The same call with curl, and what a mistake is answered with.
set -eu
address=${LOSSAPI_ADDRESS:-http://127.0.0.1:8000}

# Prints an answer, which must hold a text.
show() {
    echo "$1"
    echo "$1" | grep -qF "$2"
}

show "$(curl --silent --fail "$address/v1/losses/huber" -H 'Content-Type: application/json' \
    -d '{"prediction": [0.0, 3.0], "target": [0.0, 0.0], "delta": 1.0}')" '"value":1.25'

show "$(curl --silent "$address/v1/losses/cross_entropy" -H 'Content-Type: application/json' \
    -d '{"prediction": [[0.1, 0.9]], "target": [7]}')" '"pointer":"/target/0"'
