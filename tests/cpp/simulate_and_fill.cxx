// FlashSim as a C++ user would write it: no Python, no just-in-time compilation.
//
//    simulate_and_fill gen.root jets [threads]
//
// Prints: GEN events, RECO events, filled GEN events, integral, error of the integral's largest bin, naive error of it.

#include <FlashSim/BookOversampledTH.hxx>
#include <FlashSim/Flow.hxx>
#include <FlashSim/Simulate.hxx>

#include <ROOT/RDataFrame.hxx>
#include <TROOT.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char **argv)
{
   if (argc < 3) {
      std::cerr << "usage: " << argv[0] << " gen.root flow [threads]\n";
      return 2;
   }
   try {
      if (argc > 3)
         ROOT::EnableImplicitMT(static_cast<unsigned int>(std::atoi(argv[3])));
      ROOT::RDataFrame gen("Events", argv[1]);
      auto nGen = gen.Count();

      FlashSim::SimulateOptions options;
      options.fFoldSize = 4;
      options.fSeed = 1;
      options.fSteps = 2;
      options.fPrefix = "Flash";
      auto sim = FlashSim::Simulate(gen, argv[2], options);
      auto leading = sim.Filter([](int n) { return n > 0; }, {"nFlashJet"})
                         .Define("leadingPt", [](const ROOT::RVecF &pt) { return pt[0]; }, {"FlashJet_pt"});
      auto nReco = sim.Count();
      auto histogram = FlashSim::BookOversampledTH1D(leading, {"pt", ";p_{T} [GeV];events", 40, 0., 400.}, "leadingPt");

      const int largest = histogram->GetMaximumBin();
      std::cout << *nGen << " " << *nReco << " " << histogram->GetNGenEvents() << " " << histogram->Integral(0, 41)
                << " " << histogram->GetBinError(largest) << " " << histogram->GetBinErrorNaive(largest) << "\n";
   } catch (const std::exception &error) {
      std::cerr << error.what() << "\n";
      return 1;
   }
   return 0;
}
