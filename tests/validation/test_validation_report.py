"""Reports of validations: one file that needs nothing else, its pictures, and the command that makes it."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("jinja2")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")

from flashsim.cli.validate import validate as command
from flashsim.flows.flow import Variable
from flashsim.validation import read_json, validate, write_json, write_report
from flashsim.validation.pictures import draw_pictures
from flashsim.validation.pictures.binning import bin_edges, density
from flashsim.validation.pictures.correlations import contour_levels, correlation_matrix
from flashsim.validation.pictures.profiles import half_width, median, response
from flashsim.validation.pictures.pulls import bin_pulls
from validation_samples import smearing_pairs, tagging_pairs, write_smearing_events, write_tagging_flow


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    flow = write_tagging_flow(tmp_path_factory.mktemp("flows") / "tagging.onnx")
    options = {"repeat": 2, "classifier_repeat": 1}
    return [
        validate(flow, tagging_pairs(6000, seed=5), label="ttbar", **options),
        validate(flow, tagging_pairs(3000, seed=6, shift=1.0), label="<Z> & jets", **options),
    ]


@pytest.fixture(scope="module")
def pictures(found):
    before = dict(mpl.rcParams)
    drawn = draw_pictures(found[0])
    assert dict(mpl.rcParams) == before
    return drawn


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(found, path)
    return path.read_text(encoding="utf-8")


def text_of(page):
    return " ".join("".join(ElementTree.fromstring(page).itertext()).split())


def test_every_picture_has_a_title_a_caption_and_pixels(pictures):
    assert [picture.title for picture in pictures] == [
        "Marginal distributions",
        "Pulls",
        "Response",
        "Resolution",
        "Means",
        "Correlations",
        "Pairs of variables",
        "ROC curves",
    ]
    for picture in pictures:
        assert len(picture.caption) > 100
        image = Image.open(io.BytesIO(picture.png))
        assert min(image.size) > 200
        assert len(np.unique(np.asarray(image.convert("L")))) > 10


def test_pyplot_knows_no_picture(pictures):
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def test_page_is_well_formed_and_needs_no_network(page, found):
    root = ElementTree.fromstring(page)
    links = [element.attrib[name] for element in root.iter() for name in ("src", "href") if name in element.attrib]
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not re.search(r"url\(|@import|<script|<link", page)
    anchors = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
    assert {link.removeprefix("#") for link in links if link.startswith("#")} == anchors == {"sample0", "sample1"}
    assert len(page) < 5e6


def test_page_contains_every_picture_with_its_caption(page, pictures):
    sources = [element.attrib["src"] for element in ElementTree.fromstring(page).iter("img")]
    text = text_of(page)
    assert len(sources) == 2 * len(pictures)
    for source, picture in zip(sources, pictures, strict=False):
        assert base64.b64decode(source.partition(",")[2]) == picture.png
        assert " ".join(picture.caption.split()) in text


def test_page_tells_flow_data_and_metrics(page, found):
    text = text_of(page)
    for expected in (
        "Validation of the flow 'tagging'",
        found[0].flow["sha256"],
        "6000 of 3000 events",
        "written by hand",
        "<Z> & jets",
        "Comparison",
        "signal |partonFlavour| = 5, background 0, 1, 2, 3, 21",
    ):
        assert expected in text
    for metric in found[0].metrics.values():
        assert metric.verdict in text
    assert "The classifier finds a difference. It uses most" in text
    assert text.count("σ above its floor") >= 1


def test_comparison_gives_the_ratio_to_the_first_sample(page, found):
    name = "ks/pt"
    row = next(row for row in ElementTree.fromstring(page).iter("tr") if row[0].text == name)
    first, second = (validation.metrics[name].value for validation in found)
    assert f"({second / first:.2f})" in "".join(row[2].itertext())
    assert "above" in row[2].attrib["class"]
    assert "The samples differ in size" in text_of(page)
    assert "--rows 3000" in page


def test_report_of_a_document_has_no_pictures_and_says_so(found, tmp_path):
    write_json(found, tmp_path / "validation.json")
    write_report(read_json(tmp_path / "validation.json")[0], tmp_path / "report.html", title="From a document")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "No pictures" in text_of(page)
    assert "<h1>From a document</h1>" in page
    with pytest.raises(ValueError, match="no validation to report"):
        write_report([], tmp_path / "none.html")


def test_flow_of_other_names_is_drawn(tiny_flow):
    names = [picture.title for picture in draw_pictures(validate(tiny_flow, smearing_pairs(1000, seed=1), repeat=2))]
    assert names == ["Marginal distributions", "Pulls", "Response", "Resolution", "Means", "Correlations"]


def test_edges_of_counters_surround_whole_numbers():
    counter = Variable("n", "", "uint8", (0, 255))
    assert bin_edges(np.array([0, 1, 1, 3]), counter).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]
    wide = bin_edges(np.arange(256), counter, bins=20)
    assert np.all(np.diff(wide) == 7)
    assert wide[0] == -0.5
    assert wide[-1] > 255
    share, error = density(np.array([0.0, 0, 1, 2]), np.array([-0.5, 0.5, 2.5]))
    np.testing.assert_allclose(share, [0.5, 0.25])
    np.testing.assert_allclose(error, [0.25, 0.125])


def test_edges_of_a_constant_are_edges():
    edges = bin_edges(np.full(10, 4.0), Variable("x", "", "float32", (-9, 9)))
    assert np.all(np.diff(edges) > 0)
    assert edges[0] < 4 < edges[-1]


def test_pulls_of_one_distribution_are_standard():
    generator = np.random.default_rng(3)
    edges = np.array([-3, -1, 0, 0.5, 3])
    pulls = np.concatenate([bin_pulls(*generator.normal(size=(2, 1000)), edges) for _ in range(300)])
    assert pulls.mean() == pytest.approx(0, abs=0.12)
    assert pulls.std() == pytest.approx(1, abs=0.06)


def test_errors_of_median_and_width_are_their_spread():
    generator = np.random.default_rng(4)
    for statistic, wanted in ((median, 0.0), (half_width, 1.0)):
        found = np.array([statistic(generator.normal(size=400)) for _ in range(800)])
        assert found[:, 0].mean() == pytest.approx(wanted, abs=0.02)
        assert found[:, 0].std() == pytest.approx(found[:, 1].mean(), rel=0.08)


def test_response_is_a_ratio_or_a_difference():
    energy = Variable("pt", "GeV", "float32", (0, 100))
    angle = Variable("phi", "rad", "float32", (-3.15, 3.15))
    signed = Variable("eta", "", "float32", (-5, 5))
    np.testing.assert_allclose(
        response(energy, energy, np.array([3.0, 1.0]), np.array([2.0, 0.0])), [1.5, np.nan], equal_nan=True
    )
    np.testing.assert_allclose(response(angle, angle, np.array([3.1]), np.array([-3.1])), [6.2 - 2 * np.pi])
    np.testing.assert_allclose(response(signed, signed, np.array([1.0]), np.array([-2.0])), [3.0])


def test_contours_hold_what_they_say():
    grid = np.linspace(-5, 5, 401)
    density = np.exp(-0.5 * (grid[:, None] ** 2 + grid[None, :] ** 2))
    # A Gaussian in the plane holds 1 - h of its sum where it is higher than h times its maximum.
    np.testing.assert_allclose(contour_levels(density, (0.5, 0.9)), [0.1, 0.5], atol=0.01)


def test_correlations_of_a_constant_are_none():
    rows = np.array([[1.0, 2, 5], [2, 4, 5], [3, 7, 5]])
    matrix = correlation_matrix(rows)
    np.testing.assert_allclose(matrix[:2, :2], np.corrcoef(rows[:, :2].T))
    assert np.isnan(matrix[2]).all()


APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(command)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    return [write_smearing_events(folder / name, 1200) for name in ("a.root", "b.root")]


def test_command_writes_report_and_document(run, tiny_flow, events, tmp_path):
    result = run(tiny_flow, "--data", *events, "--out", tmp_path / "new" / "report", "--label", "tt", "--repeat", 2)
    assert result.exit_code == 0, result.output
    assert "flow 'tiny' on tt: 2400 rows of 1200 events" in result.stdout
    assert "wasserstein/pt" in result.stdout
    assert "No ROC curves" in result.stdout
    (validation,) = read_json(tmp_path / "new" / "report" / "validation.json")
    assert (validation.label, validation.files) == ("tt", ["a.root", "b.root"])
    assert "<img" in (tmp_path / "new" / "report" / "report.html").read_text(encoding="utf-8")


def test_command_compares_labelled_samples_and_judges(run, tiny_flow, events, tmp_path, monkeypatch):
    monkeypatch.setattr("flashsim.validation.report.draw_pictures", lambda _: [])
    arguments = ("--data", f"one={events[0]}", "--data", f"two={events[0]},{events[1]}", "--repeat", 2)
    out = ("--out", tmp_path)
    limits = ("--require", "wasserstein/pt=1e-6", "--require", "ks=0.5", "--require", "c2st=0.4")
    result = run(tiny_flow, *arguments, *out, *limits)
    assert result.exit_code == 1, result.output
    lines = result.stderr.splitlines()
    assert [line.partition(" = ")[0] for line in lines if "required" in line] == ["required: wasserstein/pt"] * 2
    assert "of one is above 1e-06" in result.stderr
    assert [validation.label for validation in read_json(tmp_path / "validation.json")] == ["one", "two"]
    assert "Comparison" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("FLOW",), "no data to compare with"),
        (("FLOW", "other.onnx", "--data", "a.root"), "expected one flow, found 2"),
        (("b.root", "--data", "a.root"), "expected one flow, found 0."),
        (("FLOW", "--data", "tt=a.root", "b.root"), "b.root: several samples need labels: --data LABEL="),
        (("FLOW", "--data", "tt=a.root", "--label", "x"), "--label: several samples need labels"),
        (("FLOW", "--data", "a.root", "--require", "speed=3"), "unknown metric 'speed'"),
        (("nowhere.onnx", "--data", "a.root"), "there is no flow 'nowhere.onnx'"),
        (("FLOW", "--data", "nowhere.root"), "no such file: nowhere.root"),
        (("FLOW", "--data", "x=nowhere.root", "--data", "y=gone.root"), "no such file: nowhere.root, gone.root"),
        (("FLOW", "--data", "a.root", "--steps", "3"), "samples in one shot"),
    ],
)
def test_command_explains_mistakes(run, tiny_flow, events, tmp_path, arguments, message):
    known = {"FLOW": tiny_flow, "a.root": events[0], "b.root": events[1]}
    texts = [known.get(argument, argument) for argument in arguments]
    result = run(*texts, "--out", tmp_path / "report")
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "report").exists()
