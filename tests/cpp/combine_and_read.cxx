// Histograms after they are filled, as a C++ user would write it: operators, efficiencies, files.
//
//    combine_and_read file.root
//
// Writes the file, and ends with an error if a number is not as it must be.

#include <FlashSim/BookOversampledTH.hxx>
#include <FlashSim/OversampledTEfficiency.hxx>
#include <FlashSim/OversampledTHFile.hxx>

#include <ROOT/RDataFrame.hxx>
#include <TFile.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace {

constexpr int kFoldSize = 10;
constexpr ULong64_t kGenEvents = 200;

void Require(bool condition, const std::string &what)
{
   if (!condition)
      throw std::runtime_error("wrong: " + what);
}

void RequireSame(double a, double b, const std::string &what)
{
   Require(std::abs(a - b) <= 1e-12 * std::abs(b),
           what + ": " + std::to_string(a) + " instead of " + std::to_string(b));
}

void RequireThrows(const std::function<void()> &call, const std::string &what)
{
   try {
      call();
   } catch (const std::logic_error &) {
      return;
   }
   throw std::runtime_error("wrong: does not throw: " + what);
}

double GetX(ULong64_t entry)
{
   const auto gen = entry / kFoldSize;
   return 0.5 * static_cast<double>(gen * 7 % 20) + 0.3 * static_cast<double>(entry % 5);
}

ROOT::RDF::RNode MakeEvents()
{
   return ROOT::RDataFrame(kGenEvents * kFoldSize)
       .Define("genEvent", [](ULong64_t entry) { return entry / kFoldSize; }, {"rdfentry_"})
       .Define("x", GetX, {"rdfentry_"})
       .Define("passed", [](ULong64_t entry) { return entry % 5 > entry / kFoldSize % 4; }, {"rdfentry_"});
}

template <typename Histogram>
void TestOperators(const Histogram &fine, double coarseError)
{
   auto sum = 2 * fine + fine / 2;
   static_assert(std::is_same_v<decltype(sum), Histogram>);
   sum.Rebin(2);
   RequireSame(sum.GetBinError(3), std::sqrt(4.25) * coarseError, "error of 2 * h + h / 2, as if independent");
   auto twice = fine + fine;
   twice -= twice * 0.5f;
   auto negative = -(fine + fine);
   negative.Rebin(2);
   RequireSame(negative.GetBinError(3), 2 * coarseError, "error of -(h + h)");
   RequireThrows([&] { fine *fine; }, "h * h");
   RequireThrows([&] { fine / fine; }, "h / h");
   auto quotient = fine;
   RequireThrows([&] { quotient.Divide(&fine, &fine, 1, 1, "B"); }, "Divide with option B");
   Require(quotient.HasCovariance(), "covariance after a Divide that was refused");
}

void TestEfficiency(const FlashSim::OversampledTH2D &filled)
{
   const FlashSim::OversampledTEfficiency efficiency(filled);
   double passed = 0, total = 0, variance = 0;
   const auto isInBin = [](double x) { return 4 <= x && x < 5; };
   for (const bool isSecondPass : {false, true}) {
      for (ULong64_t gen = 0; gen < kGenEvents; ++gen) {
         double passedOfGen = 0, totalOfGen = 0;
         for (ULong64_t entry = gen * kFoldSize; entry < (gen + 1) * kFoldSize; ++entry) {
            totalOfGen += isInBin(GetX(entry));
            passedOfGen += isInBin(GetX(entry)) && entry % 5 > gen % 4;
         }
         if (isSecondPass) {
            variance += std::pow((passedOfGen - passed / total * totalOfGen) / total, 2);
         } else {
            passed += passedOfGen;
            total += totalOfGen;
         }
      }
   }
   RequireSame(efficiency.GetEfficiency(5), passed / total, "efficiency");
   RequireSame(efficiency.GetEfficiencyError(5), std::sqrt(variance), "error of an efficiency");
   Require(efficiency.MakeGraph().GetN() > 0, "graph of an efficiency");
}

} // namespace

int main(int argc, char **argv)
{
   if (argc < 2) {
      std::cerr << "usage: " << argv[0] << " file.root\n";
      return 2;
   }
   try {
      auto events = MakeEvents();
      FlashSim::FoldOptions options;
      options.fConstantFoldSize = kFoldSize;
      options.fCovariance = true;
      auto fine = FlashSim::BookOversampledTH1D(events, {"fine", "", 20, 0., 10.}, "x", "", options);
      auto coarse = FlashSim::BookOversampledTH1D(events, {"coarse", "", 10, 0., 10.}, "x", "", options);
      auto single =
          FlashSim::BookOversampled<FlashSim::OversampledTH1F>(events, {"single", "", 20, 0., 10.}, {"x"}, "", options);
      auto filled =
          FlashSim::BookOversampledTEfficiency(events, {"efficiency", "", 10, 0., 10.}, "x", "passed", "", options);

      const double error = coarse->GetBinError(3);
      TestOperators(*fine, error);
      TestOperators(*single, error);
      TestEfficiency(*filled);

      {
         TFile file(argv[1], "recreate");
         fine->Write();
         filled->Write();
      }
      TFile file(argv[1]);
      Require(file.Get<TH1D>("fine")->IsA() == TH1D::Class(), "what any ROOT reads");
      auto read = FlashSim::ReadOversampledTH<FlashSim::OversampledTH1D>(file, "fine");
      read->Rebin(2);
      RequireSame(read->GetBinError(3), error, "error of what was read");
      TestEfficiency(*FlashSim::ReadOversampledTH<FlashSim::OversampledTH2D>(file, "efficiency"));
      std::cout << "combine_and_read: all is right\n";
   } catch (const std::exception &exception) {
      std::cerr << exception.what() << "\n";
      return 1;
   }
   return 0;
}
