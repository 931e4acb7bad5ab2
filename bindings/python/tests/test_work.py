"""Lanes and CI, against a server of the test's own that answers as Woodpecker and Gitea do."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator
from urllib.parse import urlsplit

import mosaic_fleet as mf
import pytest


class Service:
    """What the server has: answers by path. One that is a list of answers gives one after another."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = service.answers.get(urlsplit(self.path).path)
                if isinstance(answer, Several):
                    answer = answer.next()
                body = json.dumps({} if answer is None else answer).encode()
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if isinstance(answer, list):
                    self.send_header("X-Total-Count", str(len(answer)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Several:
    """Answers, one after the other; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def next(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    try:
        yield service
    finally:
        service.end()


def pipeline(status: str) -> dict[str, Any]:
    return {
        "id": 70,
        "number": 7,
        "status": status,
        "event": "push",
        "commit": "c0ffee",
        "branch": "main",
    }


@pytest.fixture
def environment(service: Service, tmp_path: Any) -> dict[str, str]:
    service.answers["/api/user"] = {"login": "robot"}
    service.answers["/api/repos/lookup/mosaic/fleet"] = {"id": 1, "active": True}
    service.answers["/api/v1/repos/mosaic/fleet"] = {"full_name": "mosaic/fleet"}
    return {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "WOODPECKER_SERVER": service.address,
        "WOODPECKER_TOKEN": "dummy",
        "GITEA_INSTANCE_URL": service.address,
        "GITEA_TOKEN": "dummy",
    }


async def test_a_status_is_a_look(service: Service, environment: dict[str, str]) -> None:
    service.answers["/api/repos/1/pipelines/7"] = pipeline("running")
    seen = await mf.ci_status("mosaic/fleet", [7], environment=environment)
    assert seen.pending == (7,)
    (one,) = seen.pipelines
    assert (one.number, one.id, one.status, one.ended) == (7, 70, "running", False)
    assert one.commit == "c0ffee" and one.waited.total_seconds() >= 0


async def test_a_wait_tells_what_happens(service: Service, environment: dict[str, str]) -> None:
    steps = [pipeline("running"), pipeline("success")]
    service.answers["/api/repos/1/pipelines/7"] = Several(*steps)
    news: list[str] = []
    waited = await mf.ci_wait(
        "mosaic/fleet",
        [7],
        interval="1s",
        timeout="1m",
        environment=environment,
        on_news=lambda piece: news.extend(piece.values()),
    )
    assert waited.result == "success" and waited.pending == ()
    assert any("success" in piece for piece in news), news


async def test_a_brief_says_what_is_free_and_what_is_underway(
    service: Service, environment: dict[str, str]
) -> None:
    repo = "/api/v1/repos/mosaic/fleet"
    service.answers[f"{repo}/issues"] = [
        {"number": 1, "title": "One", "state": "open"},
        {"number": 2, "title": "Two", "state": "open"},
    ]
    pull = {"number": 5, "title": "Do it", "body": "Closes #2", "state": "open"}
    service.answers[f"{repo}/pulls"] = [{**pull, "head": {"ref": "two"}}]
    brief = await mf.lane_brief("mosaic/fleet", environment=environment)
    assert brief.repo == "mosaic/fleet" and brief.generated_at.tzinfo is not None
    assert [(one.number, one.title) for one in brief.candidates] == [(1, "One")]
    (underway,) = brief.underway
    assert underway.number == 2
    assert [(one.number, one.will_close) for one in underway.pulls] == [(5, True)]


async def test_a_guard_lets_a_clear_branch_pass(
    service: Service, environment: dict[str, str]
) -> None:
    done = pipeline("success")
    branch = {"name": "main", "commit": {"id": "c0ffee"}}
    service.answers["/api/v1/repos/mosaic/fleet/branches/main"] = branch
    service.answers["/api/repos/1/pipelines"] = [done]
    service.answers["/api/repos/1/pipelines/7"] = done
    guarded = await mf.ci_guard("merge", "mosaic/fleet", branch="main", environment=environment)
    assert (guarded.result, guarded.purpose, guarded.head) == ("clear", "merge", "c0ffee")
    assert [(one.number, one.status) for one in guarded.own] == [(7, "success")]
    assert guarded.active == ()


async def test_what_is_wrong_is_typed(service: Service, environment: dict[str, str]) -> None:
    with pytest.raises(mf.InvalidArgument, match="knows no repository"):
        await mf.ci_status("mosaic/other", [7], environment=environment)
    with pytest.raises(mf.InvalidArgument, match="one of"):
        await mf.ci_wait("mosaic/fleet", environment=environment)
    with pytest.raises(mf.FleetError) as failed:
        await mf.lane_brief("mosaic/fleet", environment=environment)
    assert failed.value.operation == "lane_brief" and "dummy" not in str(failed.value)


async def test_a_guard_without_a_repository_says_what_to_name(
    environment: dict[str, str], tmp_path: Any
) -> None:
    with pytest.raises(mf.InvalidArgument, match="origin"):
        await mf.ci_guard("push", folder=tmp_path, environment=environment)
