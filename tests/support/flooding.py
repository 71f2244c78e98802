"""Callers in a process of their own, not to slow down who measures.

`python -m tests.support.flooding PORT RATE SECONDS` prints how many answers of which status came.
"""

import collections
import http.client
import json
import sys
import threading
import time

THREADS = 8


def ask(port: int, rate: float, until: float, answers: collections.Counter[int]) -> None:
    """Ask so often until the end, each time when it is due; a connection that was closed is opened again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    due = time.monotonic()
    while time.monotonic() < until:
        try:
            connection.request("GET", "/api/v1/session")
            response = connection.getresponse()
            response.read()
            answers[response.status] += 1
        except (OSError, http.client.HTTPException):
            connection.close()
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    answers: collections.Counter[int] = collections.Counter()
    until = time.monotonic() + seconds
    arguments = (port, rate / THREADS, until, answers)
    threads = [threading.Thread(target=ask, args=arguments) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
