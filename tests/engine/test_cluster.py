"""A Ray cluster of two nodes on this machine, of which one dies half-way."""

import os
import signal
from pathlib import Path

import pytest

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'rockbottom[ray]'")

from rockbottom.engine import answered  # noqa: E402
from rockbottom.engine.cluster import Cluster  # noqa: E402
from rockbottom.replay import document_of  # noqa: E402

SOURCES = str(Path(__file__).resolve().parents[2] / "src")
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes on loopback, one processor each; workers find the package where the tests do."""
    from ray.cluster_utils import Cluster as Nodes

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([SOURCES, os.environ.get("PYTHONPATH", "")]))
    nodes = Nodes(initialize_head=True, head_node_args=NODE)
    nodes.add_node(num_cpus=1, object_store_memory=80 << 20)
    try:
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


def _workers_of(node) -> list[int]:
    """The processes of a node that run partitions; agents have names of their own, and a node ends with its agents."""
    import psutil

    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    titles = {child.pid: " ".join(child.cmdline()) for child in raylet.children(recursive=True)}
    return [pid for pid, title in titles.items() if title.startswith(("ray::_", "ray::IDLE"))]


@pytest.mark.slow  # starts two nodes; `make ray`
def test_a_node_and_a_worker_die_half_way(cluster, logs, job_of, whole):
    """After half of the files one node is gone with the rows it held; later a worker is killed: no token is lost."""
    job = job_of(logs)
    second = next(iter(cluster.worker_nodes))
    killed: list[str] = []

    def said(step, done, of):
        if step == "files" and done == of // 2:
            os.kill(_workers_of(second)[0], signal.SIGKILL)
            killed.append("worker")
        if step == "files" and done == of - 1:
            cluster.remove_node(second, allow_graceful=False)
            killed.append("node")
        if step == "families" and done == of // 2:
            for process in _workers_of(cluster.head_node)[:1]:
                os.kill(process, signal.SIGKILL)
                killed.append("worker of the head")

    with Cluster(cluster.address) as engine:
        answer = answered(job, engine, said)
    found = [document_of(one, tally) for one, tally in zip(answer.questions, answer.tallies, strict=True)]
    assert found == whole(logs, job)
    assert (answer.damages.count, answer.duplicates) == (1, 12)
    assert killed == ["worker", "node", "worker of the head"]
