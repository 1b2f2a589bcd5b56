import dataclasses

import pytest

from blender_midas_normal.client.launch import (
    CUDA_VARIABLE,
    HIP_VARIABLE,
    MIDAS_NOT_NEEDED,
    HostPython,
    Paths,
    choose_launch,
    engine_problem,
    gpu_variables,
)
from blender_midas_normal.client.setup.environment import Environment, Marker, fingerprint, requirements_of, write_marker
from blender_midas_normal.core import engines
from blender_midas_normal.core.engines import MIDAS_WEIGHTS
from blender_midas_normal.core.errors import EngineUnavailable
from blender_midas_normal.core.settings import Settings


@pytest.fixture
def paths(tmp_path):
    return Paths(Environment(tmp_path / "environment"), tmp_path / "weights", tmp_path / "worker.log")


@pytest.fixture
def with_midas(paths, tmp_path):
    """Paths whose environment looks complete and whose weights are there."""
    base = tmp_path / "base"
    base.write_text("")
    paths.environment.python.parent.mkdir(parents=True)
    paths.environment.python.write_text("")
    record_parts(paths.environment, base, "midas")
    paths.weights.mkdir()
    (paths.weights / MIDAS_WEIGHTS.name).write_text("")
    return paths


def record_parts(environment, base, *parts):
    write_marker(environment, Marker(fingerprint(requirements_of(parts)), str(base), "3.11.7", "cpu", state="complete",
                                     parts=" ".join(parts)))


def launched(engine, paths, depth_scale="NORMALISED", model="SMALL", **attributes):
    settings = Settings(engine=engine, depth_scale=depth_scale, model=model)
    return choose_launch(settings, paths, HostPython("own python", **attributes), 60.0)


def test_without_midas_everything_runs_on_blenders_own_python(paths):
    for engine in ("AUTO", "LUMINANCE"):
        assert launched(engine, paths).python == "own python" and "not installed" in launched(engine, paths).without_midas
    with pytest.raises(EngineUnavailable, match=r"not installed\. Press Install MiDaS Environment in the"):
        launched("MIDAS", paths)


def test_with_midas_the_built_in_engine_still_needs_no_torch(with_midas):
    assert launched("LUMINANCE", with_midas).python == "own python"
    assert launched("LUMINANCE", with_midas).without_midas == MIDAS_NOT_NEEDED
    for engine in ("AUTO", "MIDAS"):
        launch = launched(engine, with_midas)
        assert launch.python == str(with_midas.environment.python) and not launch.without_midas


def test_missing_weights_are_the_reason(with_midas):
    (with_midas.weights / MIDAS_WEIGHTS.name).unlink()
    with pytest.raises(EngineUnavailable, match=MIDAS_WEIGHTS.name):
        launched("MIDAS", with_midas)
    assert MIDAS_WEIGHTS.name in launched("AUTO", with_midas).without_midas


def test_weights_below_the_chosen_folder_are_found(with_midas):
    below = with_midas.weights / "lllyasviel" / "Annotators"
    below.mkdir(parents=True)
    (with_midas.weights / MIDAS_WEIGHTS.name).rename(below / MIDAS_WEIGHTS.name)
    assert launched("MIDAS", with_midas).weights == with_midas.weights


def test_an_engine_needs_its_own_packages_and_weights(with_midas, tmp_path):
    with pytest.raises(EngineUnavailable, match="packages for MoGe are not installed"):
        launched("MOGE", with_midas)
    record_parts(with_midas.environment, tmp_path / "base", "midas", "moge")
    with pytest.raises(EngineUnavailable, match=r"MoGe-2 ViT-B's weights moge-2-vitb-normal/model.pt \(419 MB\)"):
        launched("MOGE", with_midas, model="BASE")
    folder = with_midas.weights / "moge-2-vitb-normal"
    folder.mkdir()
    (folder / "model.pt").write_text("")
    assert launched("MOGE", with_midas, model="BASE").python == str(with_midas.environment.python)
    with pytest.raises(EngineUnavailable, match="ViT-S"):
        launched("MOGE", with_midas)


def test_the_users_own_folder_is_where_the_setting_says(with_midas, tmp_path):
    record_parts(with_midas.environment, tmp_path / "base", "midas", "depth-anything")
    with pytest.raises(EngineUnavailable, match="No model folder is chosen"):
        launched("DEPTH_ANYTHING", with_midas, model="FOLDER")
    own = tmp_path / "own"
    own.mkdir()
    for name in ("model.safetensors", "config.json"):
        settings = Settings(engine="DEPTH_ANYTHING", model="FOLDER", model_folder=str(own))
        with pytest.raises(EngineUnavailable, match=f"own has no file {name}"):
            choose_launch(settings, with_midas, HostPython("own python"), 60.0)
        (own / name).write_text("{}")
    assert choose_launch(settings, with_midas, HostPython("own python"), 60.0).python == str(with_midas.environment.python)


def test_a_panel_never_looks_into_a_folder_that_a_file_names(with_midas, tmp_path, monkeypatch):
    """A .blend file of a stranger's may name one on another computer, which would be contacted by showing the panel."""
    record_parts(with_midas.environment, tmp_path / "base", "midas", "moge")
    settings = Settings(engine="MOGE", model="FOLDER", model_folder=str(tmp_path / "elsewhere"))
    monkeypatch.setattr(engines, "is_file", lambda path: pytest.fail("it was looked at"))
    assert not engine_problem(settings, with_midas)
    assert "No model folder" in engine_problem(Settings(engine="MOGE", model="FOLDER"), with_midas)


def test_relief_runs_where_torch_is_with_or_without_weights_of_midas(with_midas):
    assert launched("RELIEF", with_midas).python == str(with_midas.environment.python)
    (with_midas.weights / MIDAS_WEIGHTS.name).unlink()
    for engine in ("RELIEF", "AUTO"):
        assert launched(engine, with_midas).python == str(with_midas.environment.python)
        assert MIDAS_WEIGHTS.name in launched(engine, with_midas).without_midas


def test_relief_runs_on_blenders_own_python_where_torch_is_not(paths):
    assert launched("RELIEF", paths).python == "own python"


def test_a_python_with_the_packages_for_midas_runs_it_itself_and_needs_the_weights_alone(with_midas):
    for engine in ("AUTO", "MIDAS", "RELIEF"):
        launch = launched(engine, with_midas, parts=("midas",), user_site="packages")
        assert (launch.python, launch.without_midas, launch.user_site) == ("own python", "", "packages")
    assert launched("MIDAS", with_midas).user_site == ""
    with_midas.environment.marker.unlink()
    assert launched("MIDAS", with_midas, parts=("midas",)).python == "own python"
    (with_midas.weights / MIDAS_WEIGHTS.name).unlink()
    assert MIDAS_WEIGHTS.name in launched("AUTO", with_midas, parts=("midas",)).without_midas
    with pytest.raises(EngineUnavailable) as refused:
        launched("MIDAS", with_midas, parts=("midas",))
    assert "not installed" not in str(refused.value)


@pytest.mark.parametrize("engine", ["AUTO", "MIDAS"])
def test_raw_needs_the_packages_of_the_nodes_own_call_on_one_of_the_pythons(with_midas, tmp_path, engine):
    with pytest.raises(EngineUnavailable, match=r"depth_scale RAW .* not installed"):
        launched(engine, with_midas, "RAW")
    with pytest.raises(EngineUnavailable, match=r"depth_scale RAW .* not installed"):
        launched(engine, with_midas, "RAW", parts=("midas",))
    assert launched(engine, with_midas, "RAW", parts=("midas", "node")).python == "own python"
    record_parts(with_midas.environment, tmp_path / "base", "midas", "node")
    for parts in ((), ("midas",)):
        assert launched(engine, with_midas, "RAW", parts=parts).python == str(with_midas.environment.python)


def test_any_worker_runs_the_built_in_engines_but_only_one_of_midas_runs_midas(with_midas):
    built_in, midas = launched("LUMINANCE", with_midas), launched("MIDAS", with_midas)
    assert midas.is_compatible_with(built_in) and midas.is_compatible_with(midas) and built_in.is_compatible_with(built_in)
    assert not built_in.is_compatible_with(midas)
    assert not dataclasses.replace(midas, idle_seconds=5.0).is_compatible_with(midas)


@pytest.mark.parametrize(("shown", "cuda", "hip"), [
    ({}, "1", "1"),
    ({CUDA_VARIABLE: "2,5"}, "5", "5"),
    ({CUDA_VARIABLE: "GPU-8932, GPU-7a1c"}, "GPU-7a1c", "GPU-7a1c"),
    ({HIP_VARIABLE: "3,4"}, "1", "4"),
    ({CUDA_VARIABLE: "0,1,2", HIP_VARIABLE: "0"}, "1", "1"),
])
def test_a_worker_sees_one_card_of_those_that_the_user_lets_programs_see(shown, cuda, hip):
    assert gpu_variables(1, shown) == {CUDA_VARIABLE: cuda, HIP_VARIABLE: hip}
