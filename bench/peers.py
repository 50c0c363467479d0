"""The annotation servers people would use instead, each in a virtual environment of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from bench.closed_loop import texts

__all__ = ["FOLDER", "LabelStudio", "Potato", "install", "size", "version"]

FOLDER = Path(__file__).parent / ".peers"
_ITEMS = 5000


def install(name: str, package: str) -> Path:
    """The folder of a virtual environment with this package; made once."""
    home = FOLDER / name
    mark = home / "installed"
    if not mark.exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        subprocess.run([home / "bin/python", "-m", "pip", "install", *quiet, package], check=True)
        mark.write_text(package)
    return home


def size(home: Path) -> float:
    """What a folder takes on disk, in MiB."""
    blocks = sum(path.lstat().st_blocks for path in home.rglob("*"))
    return blocks * 512 / 2**20


def version(home: Path, package: str) -> str:
    ask = f"import importlib.metadata as m; print(m.version('{package}'))"
    found = subprocess.run([home / "bin/python", "-c", ask], capture_output=True, text=True)
    return found.stdout.strip()


class Potato:
    """Potato: a radio question over a text, as its documentation begins."""

    name = "potato"
    port = 9917

    def __init__(self, home: Path, work: Path) -> None:
        self.command = [str(home / "bin/potato"), "start", "task.yaml", "-p", str(self.port)]
        self.environment = dict(os.environ)
        rows = ({"id": f"i{n}", "text": "<hr>".join(texts(n))} for n in range(_ITEMS))
        (work / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (work / "task.yaml").write_text(_POTATO.format(folder=work))

    def annotator(self, number: int) -> Callable[[], None]:
        """Submits by /updateinstance and gets the next page, as the page's script does."""
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)
        client.post("/auth", data={"email": f"ann{number}", "pass": ""})
        shown = [_shown(client.get("/annotate").text)]

        def turn() -> None:
            said = {"instance_id": shown[0], "annotations": {"choice:first": "first"}}
            sent = client.post("/updateinstance", json={**said, "span_annotations": []})
            assert sent.json()["status"] == "success", sent.text
            ask = {"action": "next_instance", "instance_id": shown[0]}
            following = _shown(client.post("/annotate", json=ask).raise_for_status().text)
            assert following != shown[0]
            shown[0] = following

        return turn


def _shown(page: str) -> str:
    found = re.search(r'id="instance_id"[^>]*value="(i\d+)"', page)
    assert found is not None, page[:500]
    return found.group(1)


_POTATO = """\
annotation_task_name: bench
task_dir: {folder}
output_annotation_dir: out
output_annotation_format: jsonl
data_files: [data.jsonl]
item_properties: {{id_key: id, text_key: text}}
require_password: false
user_config: {{allow_all_users: true, users: []}}
max_annotations_per_user: 100000
max_annotations_per_item: 1
assignment_strategy: fixed_order
annotation_schemes:
  - annotation_type: radio
    name: choice
    description: Which is better?
    labels: [first, second, tie]
secret_key: bench
"""


class LabelStudio:
    """Label Studio: pairwise choice, the API that its screen uses."""

    name = "label studio"
    port = 9918

    def __init__(self, home: Path, work: Path) -> None:
        start = ["start", "--data-dir", str(work), "--no-browser", "--port", str(self.port)]
        admin = ["--username", _mail(-1), "--password", _PASSWORD, "--log-level", "ERROR"]
        self.command = [str(home / "bin/label-studio"), *start, *admin]
        self.environment = {
            **os.environ,
            "LABEL_STUDIO_BASE_DATA_DIR": str(work),
            "SECRET_KEY": "bench",
            "LATEST_VERSION_CHECK": "0",
            "COLLECT_ANALYTICS": "0",
        }
        self.project = 0

    def prepare(self) -> None:
        """A project with its tasks."""
        client = self._signed_in(-1, new=False)
        made = client.post("/api/projects", json={"title": "bench", "label_config": _CONFIG})
        self.project = made.raise_for_status().json()["id"]
        names = ("question", "first", "second")
        tasks = [dict(zip(names, texts(n), strict=True)) for n in range(_ITEMS)]
        client.post(f"/api/projects/{self.project}/import", json=tasks).raise_for_status()

    def annotator(self, number: int) -> Callable[[], None]:
        client = self._signed_in(number, new=True)
        fetch = f"/api/projects/{self.project}/next"
        shown = [client.get(fetch).raise_for_status().json()["id"]]
        result = {
            "from_name": "choice",
            "to_name": "question",
            "type": "choices",
            "value": {"choices": ["first"]},
        }

        def turn() -> None:
            place = f"/api/tasks/{shown[0]}/annotations"
            client.post(place, json={"result": [result], "lead_time": 9.0}).raise_for_status()
            shown[0] = client.get(fetch).raise_for_status().json()["id"]

        return turn

    def _signed_in(self, number: int, new: bool) -> httpx.Client:
        """A session as a browser has it."""
        address = f"http://127.0.0.1:{self.port}"
        client = httpx.Client(base_url=address, timeout=120, follow_redirects=True)
        page = "/user/signup" if new else "/user/login"
        client.get(page).raise_for_status()
        form = {"email": _mail(number), "password": _PASSWORD}
        token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
        client.post(page, data={**form, **token}, headers={"referer": address}).raise_for_status()
        who = client.get("/api/current-user/whoami").raise_for_status().json()
        assert who["email"] == _mail(number), who
        client.headers.update({"x-csrftoken": client.cookies["csrftoken"], "referer": address})
        return client


_PASSWORD = "bench-bench-1"
_CONFIG = """
<View><Text name="question" value="$question"/><Text name="one" value="$first"/>
<Text name="two" value="$second"/><Choices name="choice" toName="question">
<Choice value="first"/><Choice value="second"/><Choice value="tie"/></Choices></View>
"""


def _mail(number: int) -> str:
    return f"person{number + 1}@bench.example"
