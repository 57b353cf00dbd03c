"""Context and samples against the ranges and types that a flow declares: refused, or clipped and counted."""

from __future__ import annotations

import gc
import re

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows

PI = 3.141592653589793
METHODS = ["FlashSim", "DefineFolds"]


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    return tiny_flows.write_echo_flow(tmp_path_factory.mktemp("flows") / "echo.onnx")


def events(**columns):
    """40 events with three jets each; `columns` replaces some of their variables by expressions."""
    defaults = {
        "pt": "ROOT::RVecF{50, 40, 30}",
        "phi": "ROOT::RVecF{-3, 0, 3}",
        "partonFlavour": "ROOT::RVecI{21, -5, 0}",
    }
    node = ROOT.RDataFrame(40).Define("run", "1u").Define("luminosityBlock", "2u").Define("event", "rdfentry_ + 100")
    for name, expression in (defaults | columns).items():
        node = node.Define(f"GenJet_{name}", expression)
    return node


def values(node, method, *columns):
    """All values of each column, in the order of events, fold indices and jets."""
    arrays = node.AsNumpy(["event", *columns, *(["foldIndex"] if method == "FlashSim" else [])])
    order = np.lexsort([arrays[key] for key in ("foldIndex", "event") if key in arrays])
    flat = [np.concatenate([np.ravel([np.asarray(x) for x in arrays[c][i]]) for i in order]) for c in columns]
    return flat if len(columns) > 1 else flat[0]


def only_in_event(number, value, otherwise):
    return f"event == {number} ? {value} : {otherwise}"


# ------------------------------------------------------------------------------------------------------- context


@pytest.mark.parametrize(
    ("variable", "expression", "message"),
    [
        (
            "pt",
            only_in_event(117, "ROOT::RVecF{50, 40000, 30}", "ROOT::RVecF{50, 40, 30}"),
            r"in run 1, luminosityBlock 2, event 117, context variable 'pt' of GenJet 1 \(column 'GenJet_pt'\) is 40000"
            r"; flow 'echo' takes 0 \.\.\. 7000 GeV\. Is it in MeV\?.*out_of_range=\"clip\"",
        ),
        ("pt", "ROOT::RVecF{50, 40, -30}", r"'pt' of GenJet 2 .* is -30; .* takes 0 \.\.\. 7000 GeV\. Redefine"),
        ("phi", "ROOT::RVecF{1, 4, 1}", r"'phi' of GenJet 1 .* is 4; .* rad\. Does it run from 0 to 2 pi\?"),
        ("phi", "ROOT::RVecF{1, 90, 1}", r"'phi' of GenJet 1 .* is 90; .* rad\. Is it in degrees\?"),
        ("partonFlavour", "ROOT::RVecI{1000021, 0, 0}", r"is 1000021; .* takes integers from -21 to 21 \(int16\)"),
        ("partonFlavour", "ROOT::RVecD{0, 4.5, 0}", r"of GenJet 1 .* is 4\.5; .* takes integers .* It is no integer"),
        ("partonFlavour", "-327659", "is -327659; flow 'echo' takes integers"),
        ("pt", "ROOT::RVecD{50, 1e300, 0}", "is inf; flow 'echo' needs finite numbers"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", METHODS)
def test_context_out_of_range_is_refused(threads, echo, method, variable, expression, message):
    node = getattr(events(**{variable: expression}), method)(echo, fold_size=2)
    assert node.Count().GetValue() == (80 if method == "FlashSim" else 40)  # nothing has asked for a sample
    with pytest.raises(Exception, match=message):
        values(node, method, "Jet_pt")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (300, r"in the argument context, context variable 'partonFlavour' is 300; flow 'echo' takes integers"),
        ("22.f", "'partonFlavour' is 22; "),
        (np.float32(0.5), "'partonFlavour' is 0.5; .* It is no integer"),
    ],
)
def test_numbers_are_checked_before_the_loop(echo, method, number, message):
    with pytest.raises(RuntimeError, match=message):
        getattr(events(), method)(echo, context={"partonFlavour": number})


@pytest.mark.parametrize("method", METHODS)
def test_numbers_stand_for_all_objects(threads, echo, method):
    numbers = {"partonFlavour": np.int16(4), "phi": -0.1}
    node = getattr(events(), method)(echo, fold_size=2, context=numbers)
    flavour, phi = values(node, method, "Jet_flavour", "Jet_phi")
    assert set(flavour) == {4}
    assert set(phi) == {np.float32(-0.1)}


@pytest.mark.parametrize("method", METHODS)
def test_rounding_at_the_ends_of_a_range_is_no_error(echo, method):
    pi = np.nextafter(np.float32(PI), np.float32(4))  # above the largest that is declared
    assert float(pi) > PI
    phi, pt = f"ROOT::RVecF{{{pi!s}f, 0, -{pi!s}f}}", "ROOT::RVecF{50, 40, -2.6e-7f}"
    node = getattr(events(phi=phi, pt=pt), method)(echo)
    phi, pt = values(node, method, "Jet_phi", "Jet_pt")
    np.testing.assert_array_equal(phi[:3], np.array([pi, 0, -pi], np.float32))
    np.testing.assert_array_equal(pt[:3], np.array([50, 40, -2.6e-7], np.float32))


@pytest.mark.parametrize("method", METHODS)
def test_clipped_context_is_counted(threads, echo, method, capfd):
    columns = {
        "pt": "ROOT::RVecF{50, 9000, 40} + (event % 4 == 0 ? -100.f : 0.f)",
        "partonFlavour": "ROOT::RVecF{500, 1.4, -500}",
        "phi": only_in_event(117, "ROOT::RVecF{0, 0, 10}", "ROOT::RVecF{0, 0, 0}"),
    }
    flow = flashsim.Flow(echo)
    expected = {"context pt": 40 + 20, "context phi": 1, "context partonFlavour": 120}
    for loop in [1, 2]:
        node = getattr(events(**columns), method)(flow, fold_size=3, out_of_range="clip")
        pt, flavour = values(node, method, "Jet_pt", "Jet_flavour")
        np.testing.assert_array_equal(pt.reshape(40, 3, 3), np.broadcast_to(np.where(
            np.arange(40)[:, None] % 4 == 0, [7000, 0, 0], [7000, 50, 40])[:, None], (40, 3, 3)))  # fmt: skip
        assert set(flavour) == {21, 1, -21}
        assert flow.clipped == {name: loop * count for name, count in expected.items()}
        del node
        gc.collect()
        error = capfd.readouterr().err
        totals = re.findall(r"flow 'echo': values outside of the declared ranges were clipped: (.*)\.\n", error)
        assert totals == ["context partonFlavour 120, context phi 1, context pt 60"]
        # The inline mode does not see the end of a loop, and reports the first value at once.
        firsts = re.findall(r"event 117, context variable 'phi' of GenJet 2 .* is 10; .* It is clipped", error)
        assert len(firsts) == (1 if method == "DefineFolds" else 0)


@pytest.mark.parametrize("method", METHODS)
def test_clipping_does_not_hide_nan(threads, echo, method):
    node = getattr(events(phi="ROOT::RVecF{0, NAN, 0}"), method)(echo, out_of_range="clip")
    with pytest.raises(Exception, match=r"'phi' of GenJet 1 .* is nan; flow 'echo' needs finite numbers"):
        values(node, method, "Jet_pt")


def test_nothing_is_said_where_nothing_is_clipped(threads, echo, capfd):
    node = events().FlashSim(echo, out_of_range="clip")
    values(node, "FlashSim", "Jet_pt")
    del node
    gc.collect()
    assert "clipped" not in capfd.readouterr().err


# ------------------------------------------------------------------------------------------------------- samples


def narrow(tmp_path, **targets):
    return tiny_flows.write_echo_flow(tmp_path / "narrow.onnx", targets)


@pytest.mark.parametrize(
    ("targets", "columns", "message"),
    [
        (
            {"pt": {"range": [0, 45]}},
            {"pt": only_in_event(117, "ROOT::RVecF{40, 46, 0}", "ROOT::RVecF{40, 40, 0}")},
            r"flow 'echo' \(.*narrow\.onnx\) gave 46 for target 'pt' of object 1 of run 1, luminosityBlock 2, event 117"
            r", fold index 0, but declares 0 \.\.\. 45 GeV",
        ),
        ({"flavour": {"range": [-5, 5]}}, {}, r"gave 21 for target 'flavour' .* integers from -5 to 5 \(int16\)"),
        ({"flavour": {"dtype": "uint8"}}, {}, r"gave -5 for target 'flavour' .* \(uint8\)"),
        ({"phi": {"dtype": "int32"}}, {"phi": "ROOT::RVecF{1, 2.7, 3}"}, r"gave 2\.7\d* for target 'phi' .* \(int32\)"),
        ({"phi": {"dtype": "bool", "range": [0, 1]}}, {"phi": "ROOT::RVecF{1, 0, 0.3}"}, r"gave 0\.3.* \(bool\)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", METHODS)
def test_samples_out_of_range_are_refused(threads, tmp_path, method, targets, columns, message):
    node = getattr(events(**columns), method)(narrow(tmp_path, **targets), fold_size=2)
    with pytest.raises(Exception, match=message):
        values(node, method, "Jet_pt")


@pytest.mark.parametrize("method", METHODS)
def test_clipped_samples_are_counted(threads, tmp_path, method, capfd):
    flow = flashsim.Flow(narrow(tmp_path, pt={"range": [35, 45]}, phi={"dtype": "int16", "range": [-9, 9]}))
    node = getattr(events(phi="ROOT::RVecF{-2.7, 0.4, 3}"), method)(flow, fold_size=3, out_of_range="clip")
    pt, phi = values(node, method, "Jet_pt", "Jet_phi")
    np.testing.assert_array_equal(pt.reshape(-1, 3), [[45, 40, 35]] * 120)
    np.testing.assert_array_equal(phi.reshape(-1, 3), [[-3, 0, 3]] * 120)
    assert flow.clipped == {"target pt": 240, "target phi": 240}
    del node
    gc.collect()
    assert "clipped: target phi 240, target pt 240." in capfd.readouterr().err


@pytest.mark.parametrize("method", METHODS)
def test_integers_that_a_flow_leaves_beside_the_integer_are_rounded(tmp_path, method):
    flow = narrow(tmp_path, phi={"dtype": "uint8", "range": [0, 255]})
    node = getattr(events(phi="ROOT::RVecF{2.9999998, 1.0000001, 2}"), method)(flow)
    np.testing.assert_array_equal(values(node, method, "Jet_phi")[:3], [3, 1, 2])


def test_shipped_flows_stay_in_their_ranges(gen_files):
    for name in ["jets", "jets_spline"]:
        flow = flashsim.Flow(name)
        sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flow, fold_size=2, seed=3, out_of_range="clip")
        sim.Sum("nJet").GetValue()
        sim.Mean("Jet_pt").GetValue()
        assert flow.clipped == {}


# ------------------------------------------------------------------------------------------------- types of columns


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "expression"),
    [
        ("pt", "std::vector<float>{50, 40, 30}"),
        ("pt", "std::vector<double>{50, 40, 30}"),
        ("pt", "std::array<float, 3>{50, 40, 30}"),
        ("pt", "ROOT::RVec<int>{50, 40, 30}"),
        ("partonFlavour", "std::vector<short>{21, -5, 0}"),
        ("partonFlavour", "std::array<Long64_t, 3>{21, -5, 0}"),
        ("partonFlavour", "ROOT::RVec<char>{21, -5, 0}"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_collections_of_any_kind(threads, echo, method, variable, expression):
    node = getattr(events(**{variable: expression}), method)(echo)
    pt, flavour = values(node, method, "Jet_pt", "Jet_flavour")
    np.testing.assert_array_equal(pt.reshape(-1, 3), [[50, 40, 30]] * 40)
    np.testing.assert_array_equal(flavour.reshape(-1, 3), [[21, -5, 0]] * 40)


@pytest.mark.parametrize("expression", ["ROOT::RVec<bool>{1, 0, 1}", "std::vector<bool>{1, 0, 1}"])
@pytest.mark.parametrize("method", METHODS)
def test_flags(echo, method, expression):
    node = getattr(events(partonFlavour=expression), method)(echo)
    np.testing.assert_array_equal(values(node, method, "Jet_flavour")[:3], [1, 0, 1])


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('std::string("x")', "string"),
        ("std::vector<std::string>{}", "vector<string>"),
        ("ROOT::RVec<ROOT::RVecF>{}", "ROOT::VecOps::RVec<ROOT::VecOps::RVec<float>"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_columns_without_numbers_are_refused_with_their_type(echo, method, expression, found):
    with pytest.raises(
        RuntimeError, match=f"'GenJet_pt', context variable 'pt' of flow 'echo', has type '{found}.*must hold numbers"
    ):
        getattr(events(pt=expression), method)(echo)


@pytest.mark.parametrize("method", METHODS)
def test_scalars_alone_say_nothing_of_the_number_of_objects(echo, method):
    with pytest.raises(RuntimeError, match="all context columns of flow 'echo' are scalars"):
        getattr(events(), method)(echo, context={"pt": 50, "phi": "0.1", "partonFlavour": "int(event) % 5"})


# ---------------------------------------------------------------------------------------------------- Flow.sample


def test_flow_sample(tmp_path, capfd):
    flow = flashsim.Flow(narrow(tmp_path, phi={"range": [-2, 2]}))
    good = flow.sample([[50, 1, 21], [40, -1, 0]], fold_size=2)
    np.testing.assert_array_equal(good[:, 1], [[50, 1, 21], [40, -1, 0]])
    with pytest.raises(RuntimeError, match=r"in row 1, context variable 'pt' is 50000; .* Is it in MeV\?"):
        flow.sample([[50, 1, 21], [50000, 1, 21]])
    with pytest.raises(RuntimeError, match=r"in row 0, context variable 'partonFlavour' is 0.5; .* It is no integer"):
        flow.sample([[50, 1, 0.5]])
    with pytest.raises(RuntimeError, match=r"gave 3 for target 'phi' of object 4 of run 1, .* event 3, fold index 0"):
        flow.sample([[50, 3, 0]], event_keys=[[1, 2, 3, 4]])
    with pytest.raises(ValueError, match="out_of_range must be"):
        flow.sample([[50, 3, 0]], out_of_range=None)
    assert flow.clipped == {}
    clipped = flow.sample([[50, 3, 0], [8000, 0, -22]], fold_size=2, out_of_range="clip")
    np.testing.assert_array_equal(clipped[:, 1], [[50, 2, 0], [7000, 0, -21]])
    assert flow.clipped == {"context pt": 1, "context partonFlavour": 1, "target phi": 2}
    assert "clipped: context partonFlavour 1, context pt 1, target phi 2" in capfd.readouterr().err


# ------------------------------------------------------------------------------------------------------------ C++


def test_the_same_in_cpp(threads, echo, capfd):
    options = ROOT.FlashSim.SimulateOptions()
    node = ROOT.RDF.AsRNode(events(pt="ROOT::RVecF{50, 8000, 30}"))
    with pytest.raises(Exception, match=r"'pt' of GenJet 1 .* is 8000"):
        ROOT.FlashSim.Simulate(node, echo, options).Mean("Jet_pt").GetValue()
    options.fOutOfRange = ROOT.FlashSim.EOutOfRange.kClip
    sim = ROOT.FlashSim.Simulate(node, echo, options)
    assert sim.Max("Jet_pt").GetValue() == 7000
    assert "clipped: context pt 40." in capfd.readouterr().err
