// Event loops for histograms.py, compiled by ACLiC: the dataset, loops that only read, and bookings with given column types.

#include <FlashSim/BookOversampledTH.hxx>

#include <ROOT/RDataFrame.hxx>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// Does nothing with the columns but read them.
class Reading : public ROOT::Detail::RDF::RActionImpl<Reading> {
public:
   using Result_t = double;
   explicit Reading(unsigned int nSlots) : fSums(16 * nSlots), fResult(std::make_shared<double>()) {}
   Reading(Reading &&) = default;
   std::shared_ptr<double> GetResultPtr() const { return fResult; }
   std::string GetActionName() const { return "Reading"; }
   void Initialize() {}
   void InitTask(TTreeReader *, unsigned int) {}
   template <typename... Columns>
   void Exec(unsigned int slot, const Columns &...columns)
   {
      fSums[16 * slot] += (static_cast<double>(columns) + ...); // each sum in a cache line of its own
   }
   void Finalize()
   {
      for (const auto sum : fSums)
         *fResult += sum;
   }

private:
   std::vector<double> fSums;
   std::shared_ptr<double> fResult;
};

template <typename... Columns>
ROOT::RDF::RResultPtr<double> Read(ROOT::RDF::RNode node, const std::vector<std::string> &columns)
{
   return node.Book<Columns...>(Reading(node.GetNSlots()), columns);
}

ROOT::RDF::RResultPtr<double> ReadColumns(ROOT::RDF::RNode node, bool withWeight, bool withFoldSize)
{
   if (withWeight && withFoldSize)
      return Read<float, float, ULong64_t, int>(node, {"x", "w", "genEvent", "foldSize"});
   if (withFoldSize)
      return Read<float, ULong64_t, int>(node, {"x", "genEvent", "foldSize"});
   return withWeight ? Read<float, float>(node, {"x", "w"}) : Read<float>(node, {"x"});
}

ROOT::RDF::RResultPtr<TH1D> BookPlain(ROOT::RDF::RNode node, int nBins, bool withWeight)
{
   const ROOT::RDF::TH1DModel model("h", "", nBins, 0., 1.);
   return withWeight ? node.Histo1D<float, float>(model, "x", "w") : node.Histo1D<float>(model, "x");
}

ROOT::RDF::RResultPtr<FlashSim::OversampledTH1D> BookOversampled(ROOT::RDF::RNode node, int nBins, bool withWeight)
{
   const ROOT::RDF::TH1DModel model("h", "", nBins, 0., 1.);
   using FlashSim::OversampledTH1D;
   return withWeight
             ? FlashSim::BookOversampled<OversampledTH1D, float, float, ULong64_t, int>(node, model, {"x"}, "w")
             : FlashSim::BookOversampled<OversampledTH1D, float, ULong64_t, int>(node, model, {"x"});
}

/// RECO events, ten for each GEN event, near one another; the values come from a table of 2^16.
ROOT::RDF::RNode MakeRecoEvents(ULong64_t nRows)
{
   const auto table = std::make_shared<std::vector<float>>(1 << 16);
   for (std::size_t i = 0; i < table->size(); ++i) {
      double golden; // fractions of multiples of the golden ratio fill the unit interval evenly
      const double gen = std::modf(0.6180339887498949 * static_cast<double>(i / 10), &golden);
      const double fold = std::modf(0.7548776662466927 * static_cast<double>(i), &golden);
      (*table)[i] = static_cast<float>(0.05 + 0.8 * gen + 0.1 * fold);
   }
   return ROOT::RDataFrame(nRows)
      .Define("genEvent", [](ULong64_t row) { return row / 10; }, {"rdfentry_"})
      .Define("foldSize", [] { return 10; })
      .Define("x", [table](ULong64_t row) { return (*table)[row & 0xffff]; }, {"rdfentry_"})
      .Define("w", [table](ULong64_t row) { return 0.5f + (*table)[(row / 10) & 0xffff]; }, {"rdfentry_"})
      .Define("y", [table](ULong64_t row) { return (*table)[(row + 17) & 0xffff]; }, {"rdfentry_"})
      .Define("z", [table](ULong64_t row) { return (*table)[(row + 71) & 0xffff]; }, {"rdfentry_"})
      .Define("event", [](ULong64_t row) { return static_cast<Long64_t>(row / 10); }, {"rdfentry_"});
}

/// Asks for the covariance of each pair of bins.
double SumOfCovariances(const FlashSim::OversampledTH1D &histogram)
{
   double sum = 0;
   for (int b = 1; b <= histogram.GetNbinsX(); ++b) {
      for (int c = 1; c <= histogram.GetNbinsX(); ++c)
         sum += histogram.GetBinCovariance(b, c);
   }
   return sum;
}
