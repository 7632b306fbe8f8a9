"""Starts programs of ours in processes that have imported the packages of others already.

    python -m tests.support.fork_server DESCRIPTOR

Each request on that Unix socket is JSON with the module, its arguments and the environment, and three descriptors
come with it: standard output, standard error, and a pipe that gets the id of the process and, when it has ended, its
exit status. The module is run as `python -m` would run it, but for what was imported before: nothing of nerve's.
It ends with who started it, whose end of the socket closes then.
"""

import gc
import json
import os
import runpy
import signal
import socket
import sys

import fastapi  # noqa: F401
import torch  # noqa: F401
import uvicorn  # noqa: F401

MOST_BYTES = 1 << 17


def next_module(requests: socket.socket) -> str:
    """Answer requests; return in the processes that are asked for, with the module that each has to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, MOST_BYTES, 3)
        if not message:
            sys.exit(0)
        if os.fork() == 0:
            requests.close()
            return _begin(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _begin(request: dict[str, object], out: int, err: int, told: int) -> str:
    """Fork once more; return in the new process, and wait for it in the old one."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        os.close(out)
        os.close(err)
        os.write(told, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.close(told)
    for descriptor, number in ((out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    module, arguments, environment = request["module"], request["arguments"], request["environment"]
    assert isinstance(module, str)
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    return module


if __name__ == "__main__":
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        module = next_module(connection)
    # At the top, so that the interpreter ends as it does for any program.
    runpy.run_module(module, run_name="__main__", alter_sys=True)
