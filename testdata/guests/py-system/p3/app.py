"""The same program for WASI 0.3."""

import sys

import system
from componentize_py_types import Err
from wit_world import exports


class Run(exports.Run):
    async def run(self) -> None:
        if system.main(sys.argv[1:]):
            raise Err(None)
