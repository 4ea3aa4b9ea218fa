"""A proxy that cuts every connection after a while, as a pod's public one does.

``python -m tests.api.cutting LISTEN_PORT TARGET_PORT SECONDS`` runs it by hand.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time


class CuttingProxy:
    """Forwards TCP to ``127.0.0.1:target``; used as a context manager.

    Attributes
    ----------
    accepted, cut : int
        Connections taken, and those that were cut while they were open.
    """

    def __init__(self, target: int, seconds: float, port: int = 0, rate: float = float("inf")) -> None:
        self.target, self.seconds, self.rate = target, seconds, rate
        self.accepted = self.cut = 0
        self._changing = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._changing:
                self.accepted += 1
            threading.Thread(target=self._forward, args=(near,), daemon=True).start()

    def _forward(self, near: socket.socket) -> None:
        end = time.monotonic() + self.seconds
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            near.close()
            return
        over = threading.Event()
        threads = [
            threading.Thread(target=self._pump, args=(*pair, over), daemon=True) for pair in ((near, far), (far, near))
        ]
        for thread in threads:
            thread.start()
        if not over.wait(max(0.0, end - time.monotonic())):
            with self._changing:
                self.cut += 1
        for side in (near, far):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def _pump(self, source: socket.socket, sink: socket.socket, over: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(16_384):
                sink.sendall(data)
                if self.rate != float("inf"):
                    time.sleep(len(data) / self.rate)
        over.set()


if __name__ == "__main__":
    with CuttingProxy(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[1])) as proxy:
        print(proxy.url, flush=True)
        while True:
            time.sleep(1)
