// Part of FlashSim for RDataFrame.
#include "FlashSim/distributed/MergeableReport.hxx"

#include <vector>

namespace FlashSim {

void MergeableReport::Merge(const Base_t &other)
{
   using ROOT::Detail::RDF::RMergeableReport;
   using Cuts_t = std::vector<ROOT::RDF::TCutInfo>;
   const auto &report = other.GetValue();
   RMergeableReport sum(fValue, Cuts_t(fValue.begin(), fValue.end()));
   ROOT::Detail::RDF::MergeValues(sum, RMergeableReport(report, Cuts_t(report.begin(), report.end())));
   fValue = sum.GetValue();
}

std::unique_ptr<MergeableReport> MakeMergeable(const ROOT::RDF::RCutFlowReport &report)
{
   return std::make_unique<MergeableReport>(report);
}

} // namespace FlashSim
