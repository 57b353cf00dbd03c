// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_MERGEABLEREPORT
#define FLASHSIM_MERGEABLEREPORT

#include <ROOT/RDF/RCutFlowReport.hxx>
#include <ROOT/RDF/RMergeableValue.hxx>
#include <ROOT/RDataFrame.hxx>

#include <memory>

namespace FlashSim {

/// \brief The cut flow of a part of a dataset, as distributed RDataFrame sends it between processes.
///
/// ROOT's own, `RMergeableReport`, loses all parts but two (6.40): each Merge() starts from the numbers of the first
/// part.
class MergeableReport final : public ROOT::Detail::RDF::RMergeableValue<ROOT::RDF::RCutFlowReport> {
   using Base_t = ROOT::Detail::RDF::RMergeableValue<ROOT::RDF::RCutFlowReport>;

   void Merge(const Base_t &other) final;

public:
   MergeableReport() = default;
   explicit MergeableReport(const ROOT::RDF::RCutFlowReport &report) : Base_t(report) {}
};

/// Takes a copy of a report.
std::unique_ptr<MergeableReport> MakeMergeable(const ROOT::RDF::RCutFlowReport &report);

/// \brief `node.Report()` for the tasks of a distributed run, which clone it.
///
/// Clones of ROOT's own (6.40) crash on filters given as text and on the head, repeat the numbers of the original
/// report, and add copies of filters to the graph, which appear in a report on the head. Lazy.
ROOT::RDF::RResultPtr<ROOT::RDF::RCutFlowReport> BookReport(ROOT::RDF::RNode node);

} // namespace FlashSim

#endif
