import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from compose_spec import PyCompose
from django.core.management import get_commands

from pipeline import bounded
from pipeline.catalog import Cache
from script.lib import postgres, worker
from script.lib.places import ROOT
from webapp.settings import storage_bucket

COMPOSE = ROOT / "docker" / "compose.yaml"
GPU = ROOT / "docker" / "gpu.yaml"
DOCKERFILE = ROOT / "docker" / "Dockerfile"
PASSED_ON = {"AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@pytest.fixture
def compose():
    return yaml.safe_load(COMPOSE.read_text())


@pytest.fixture
def with_gpu(compose):
    """The services as Compose makes them of both files: what the second says is put over the first."""
    return merged(compose, yaml.safe_load(GPU.read_text()))["services"]


def merged(under, over):
    if isinstance(under, dict) and isinstance(over, dict):
        return under | {key: merged(under.get(key), value) for key, value in over.items()}
    return over


def test_dockerfile_passes_the_linter():
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def filled(text):
    """The text with each variable's default, or a word where one must be given."""
    values = r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}"
    return re.sub(values, lambda variable: "word" if variable[1] is None else variable[1], text)


def test_compose_file_is_valid(compose):
    read = PyCompose.from_yaml(filled(yaml.safe_dump(compose, width=1000))).to_dict()
    assert set(read["services"]) == {
        *("database", "queue", "migrate", "web", "front", "worker", "gpu-worker"),
        *("prometheus", "grafana", "objects-owner", "object-store", "bucket"),
    }
    PyCompose.from_yaml(filled(GPU.read_text()))


def test_services_run_commands_that_exist(compose):
    for name in ("migrate", "worker", "gpu-worker"):
        program, manage, command, *_ = compose["services"][name]["command"]
        assert (program, manage) == ("python", "manage.py")
        assert command in get_commands(), f"{name} runs {command}"


def test_all_queues_have_a_worker(compose, settings):
    lines = [compose["services"][name]["command"] for name in ("worker", "gpu-worker")]
    queues = {
        queue
        for line in lines
        for queue in itertools.takewhile(
            lambda word: not word.startswith("--"), line[line.index("--queues") + 1 :]
        )
    }
    assert queues == set(settings.QUEUES)


def test_a_gpu_takes_the_place_of_the_processor(with_gpu, compose):
    assert set(with_gpu) == set(compose["services"])
    on_gpu = [name for name, service in with_gpu.items() if "gpu" in service.get("command", [])]
    assert on_gpu == ["gpu-worker"]
    made = with_gpu["gpu-worker"]
    assert made["image"] != compose["services"]["gpu-worker"]["image"]
    assert made["environment"]["CUDA_VISIBLE_DEVICES"] == "0" and made["restart"] == "unless-stopped"
    line = compose["services"]["gpu-worker"]["command"]
    assert made["command"] == [*line[:3], "--gpu", *line[3:]]


def test_no_worker_has_another_back_end_beside_a_gpu(with_gpu):
    workers = {name: one for name, one in with_gpu.items() if "--queues" in one.get("command", [])}
    told = {name: one["environment"].get("EARTHQUILT_BACK_END") for name, one in workers.items()}
    assert told.pop("gpu-worker") is None, "with --gpu it is torch"
    assert told and set(told.values()) == {"torch"}


def test_workers_have_the_environment_of_the_script(compose):
    wanted = worker.environment({}, threads=4)
    for name in ("worker", "gpu-worker"):
        given = compose["services"][name]["environment"]
        assert {key: filled(given[key]) for key in wanted} == wanted


def test_the_database_takes_as_many_connections_as_that_of_the_scripts(compose):
    assert compose["services"]["database"]["command"] == ["postgres", *postgres.CONNECTIONS.split()]


def test_grafana_has_no_password_that_all_know(compose):
    password = compose["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert password.startswith("${GRAFANA_PASSWORD:?")


def test_the_volume_of_the_object_store_is_given_to_its_user(compose):
    owner, store = compose["services"]["objects-owner"], compose["services"]["object-store"]
    assert store["depends_on"]["objects-owner"]["condition"] == "service_completed_successfully"
    assert store["volumes"] == ["objects:/data"] and owner["volumes"] == ["objects:/objects"]
    assert owner["entrypoint"] == ["chown", store["user"], "/objects"]
    assert owner["cap_add"] == ["CHOWN"] and owner["network_mode"] == "none"


def test_workers_share_a_cache_in_the_storage(compose):
    for name in ("worker", "gpu-worker"):
        service = compose["services"][name]
        given = {key: filled(value) for key, value in service["environment"].items() if value is not None}
        assert "storage:/storage" in service["volumes"]
        assert Cache.of_environment(given) == Cache(Path(given["STORAGE_URL"]) / ".cache", 20 * 2**30)


def test_foreign_images_are_pinned(compose):
    images = {
        name: service["image"] for name, service in compose["services"].items() if "build" not in service
    }
    assert set(images) == {
        *("database", "queue", "front", "prometheus", "grafana", "object-store", "bucket"),
        "objects-owner",
    }  # fmt: skip
    for image in images.values():
        assert re.search(r":(v?\d+[.-]\d|RELEASE\.\d{4}-)", image), f"{image} is not pinned"


def test_the_bases_are_pinned_to_a_patch_version(with_gpu):
    bases = [re.search(r"^ARG BASE=(.*)$", DOCKERFILE.read_text(), re.MULTILINE)[1]]
    bases.append(with_gpu["gpu-worker"]["build"]["args"]["BASE"])
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)


def pins(name):
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_each_image_has_the_torch_that_it_needs(with_gpu):
    own, cpu, cuda = pins("requirements.txt"), pins("constraints-cpu.txt"), pins("constraints-cuda.txt")
    assert (cpu["torch"], cuda["torch"]) == (f"{own['torch']}+cpu", own["torch"])
    assert (
        "--extra-index-url https://download.pytorch.org/whl/cpu\n"
        in (ROOT / "constraints-cpu.txt").read_text()
    )
    assert {"triton", "nvidia-cudnn-cu13", "nvidia-nccl-cu13", "cuda-toolkit"} <= set(cuda)
    text = DOCKERFILE.read_text()
    assert "-c constraints-${TORCH}.txt" in text and "ARG TORCH=cpu\n" in text
    assert with_gpu["gpu-worker"]["build"]["args"]["TORCH"] == "cuda"


def test_images_have_the_database_s_own_tools(compose):
    server = re.search(r":(\d+)-", compose["services"]["database"]["image"])[1]
    assert re.findall(r"postgresql-client-(\d+)", DOCKERFILE.read_text()) == [server]


def test_what_reads_files_of_strangers_has_limits(compose, with_gpu):
    for name in ("web", "worker", "gpu-worker"):
        for services in (compose["services"], with_gpu):
            variable = "WEB_MEMORY" if name == "web" else "WORKER_MEMORY"
            assert services[name]["mem_limit"].startswith(f"${{{variable}:-")
            assert int(filled(services[name]["pids_limit"])) >= 512
    children = bounded.Bounds().memory * 2 * int(gunicorn_option("--workers"))
    assert gib(filled(compose["services"]["web"]["mem_limit"])) * 2**30 > children


def gib(text):
    return int(text.removesuffix("g"))


def gunicorn_option(name):
    line = json.loads(re.search(r"^CMD (.*)$", DOCKERFILE.read_text(), re.MULTILINE)[1])
    return line[line.index(name) + 1]


def test_each_variable_of_the_compose_file_is_in_the_example():
    asked = set(re.findall(r"\$\{([A-Z_0-9]+)", COMPOSE.read_text() + GPU.read_text())) | PASSED_ON
    example = (ROOT / "docker" / ".env.example").read_text()
    assert asked == set(re.findall(r"^(?:# )?([A-Z_0-9]+)=", example, re.MULTILINE))


def test_what_a_bucket_needs_is_handed_on_where_it_is_set(compose):
    for name in ("migrate", "web", "worker", "gpu-worker"):
        given = compose["services"][name]["environment"]
        assert {key for key, value in given.items() if value is None} == PASSED_ON
        assert Path(given["STORAGE_CACHE"]).is_relative_to("/storage")


def test_the_bucket_of_the_example_is_the_one_that_is_made(compose):
    example = (ROOT / "docker" / ".env.example").read_text()
    chosen = dict(re.findall(r"^# (AWS_[A-Z_0-9]+)=(.*)$", example, re.MULTILINE))
    address = re.search(r"s3://[a-z/]+(?= as)", example)[0]
    endpoint, made = urlsplit(chosen["AWS_ENDPOINT_URL_S3"]), compose["services"]["bucket"]
    assert made["entrypoint"][-1] == f"there/{storage_bucket(address).name}"
    assert (
        endpoint.netloc in made["environment"]["MC_HOST_there"] and endpoint.hostname in compose["services"]
    )
    assert {"objects-owner", "object-store", "bucket"} == {
        name for name, service in compose["services"].items() if service.get("profiles") == ["s3"]
    }


def test_what_the_image_copies_is_there_and_not_ignored():
    sources = [line.split()[1] for line in DOCKERFILE.read_text().splitlines() if line.startswith("COPY")]
    allowed = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(sources) == sorted(allowed)
    assert all((ROOT / source).exists() for source in sources)


def test_the_database_is_not_reachable_from_outside(compose):
    with_ports = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert with_ports == {
        "front": ["127.0.0.1:${PORT:-8000}:8080"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_services_run_as_nobody_special_on_a_file_system_that_cannot_be_written(compose):
    for name, service in compose["services"].items():
        is_own = "build" in service
        assert service.get("read_only"), name
        assert service.get("user") != "0:0" or name == "objects-owner", name
        assert is_own or service.get("user") or name in ("front", "prometheus", "grafana"), name
    last_user = [line for line in DOCKERFILE.read_text().splitlines() if line.startswith("USER")][-1]
    assert last_user == "USER 10001"


def test_each_service_that_stays_tells_whether_it_is_well(compose):
    staying = {name for name, service in compose["services"].items() if service.get("restart") != "no"}
    assert {name for name in staying if "healthcheck" not in compose["services"][name]} == set()
