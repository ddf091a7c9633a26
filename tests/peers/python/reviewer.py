"""How does a reviewer act over the JSON API?"""

import time
from collections.abc import Callable
from typing import Any

import requests


class Reviewer:
    def __init__(self, people: str, token: str) -> None:
        self.base = f"{people}/api/v1"
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"

    def review(self, review_id: str) -> dict[str, Any]:
        answer = self.http.get(f"{self.base}/reviews/{review_id}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def pending(self, mark: str) -> dict[str, Any]:
        """Waits for the open review whose text contains `mark`."""

        def find() -> dict[str, Any] | None:
            answer = self.http.get(f"{self.base}/reviews", params={"state": "pending", "limit": 200}, timeout=10)
            answer.raise_for_status()
            reviews = (self.review(item["id"]) for item in answer.json()["items"])
            return next((review for review in reviews if mark in str(review)), None)

        return until(f"a pending review about {mark}", find)

    def state(self, review_id: str, wanted: str) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            review = self.review(review_id)
            return review if review["state"] == wanted else None

        return until(f"{review_id} to be {wanted}", find)

    def vote(self, review: dict[str, Any], answer: str, reason: str = "looked at") -> requests.Response:
        ballot = {"answer": answer, "reason": reason, "digest": review["digest"], "version": review["version"]}
        return self.http.post(f"{self.base}/reviews/{review['id']}/votes", json=ballot, timeout=10)


def until(what: str, find: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(0.025)
    raise AssertionError(f"waited {seconds} s for {what}")
