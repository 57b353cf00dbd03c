// A first histogram with right errors, in C++: tutorial 01 as a ROOT macro.
//
// You learn how C++ finds the library that came with `pip install flashsim`, and that C++ has the same functions as Python:
// Simulate() for FlashSim, BookOversampledTH1D() for OversampledTH1D.
//
// Tell the shell once where library, headers, ONNX Runtime and the shipped files are, then run the macro from any folder:
//
//     eval "$(flashsim config --shell)"
//     root -l -b -q 02_first_histogram.C
//
// Macros that begin with the lines of `flashsim config --root-macro` do not need the first step.
// Writes 02_first_histogram.png.

R__LOAD_LIBRARY(libFlashSim.so)

#include <FlashSim/BookOversampledTH.hxx>
#include <FlashSim/Simulate.hxx>

#include <ROOT/RDataFrame.hxx>
#include <TCanvas.h>
#include <TSystem.h>

#include <cstdio>
#include <stdexcept>
#include <string>

// ROOT puts an underscore before names that begin with a digit.
void _02_first_histogram()
{
   const char *folder = gSystem->Getenv("FLASHSIM_DATA");
   if (!folder)
      throw std::runtime_error("FLASHSIM_DATA is not set: eval \"$(flashsim config --shell)\" sets it.");
   const std::string data = folder;

   // GEN events of top-quark pairs: tree "Events" with GenJet_pt, GenJet_eta, ...
   auto gen = ROOT::RDataFrame("Events", data + "/ttbar.root").Range(500);

   // Ten RECO events for each of them. The sample has Jet_* columns already, so the new ones get the names FlashJet_*.
   FlashSim::SimulateOptions options;
   options.fFoldSize = 10;
   options.fSeed = 1;
   options.fPrefix = "Flash";
   auto sim = FlashSim::Simulate(gen, data + "/jets.onnx", options);

   // From here on it is an ordinary RDataFrame with ten times as many entries.
   auto selected =
      sim.Filter("nFlashJet >= 2 && FlashJet_pt[1] > 30", "two jets above 30 GeV").Define("ht", "Sum(FlashJet_pt)");

   // Its errors include the correlation of RECO events that share a GEN event. Contents are per GEN event: no weight of
   // 1/10 is needed.
   auto histogram = FlashSim::BookOversampledTH1D(selected, {"ht", ";H_{T} [GeV];events", 20, 0., 1000.}, "ht");
   auto nReco = sim.Count();
   auto nGen = gen.Count();

   // Nothing has run so far. The first look at a result starts the event loop.
   const auto peak = histogram->GetMaximumBin();
   std::printf("%llu RECO events from %llu GEN events\n", *nReco, *nGen);
   std::printf("highest bin: %.1f events\n", histogram->GetBinContent(peak));
   std::printf("    error                        %.2f\n", histogram->GetBinError(peak));
   std::printf("    error if taken independent   %.2f\n", histogram->GetBinErrorNaive(peak));
   std::printf("    error with infinitely many   %.2f\n", histogram->GetBinErrorLimit(peak));

   TCanvas canvas("canvas", "", 800, 600);
   histogram->SetStats(false);
   histogram->Draw("E");
   canvas.SaveAs("02_first_histogram.png");
}
