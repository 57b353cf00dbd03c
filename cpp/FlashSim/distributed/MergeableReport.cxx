// Part of FlashSim for RDataFrame.
#include "FlashSim/distributed/MergeableReport.hxx"

#include "FlashSim/lookahead/RootInternals.hxx"

#include <ROOT/RDF/RActionImpl.hxx>

#include <string>
#include <string_view>
#include <utility>

class TTreeReader;

namespace FlashSim {
namespace {

/// Reads no columns, and at the end the counts of the filters.
class ReportAction : public ROOT::Detail::RDF::RActionImpl<ReportAction> {
public:
   using Result_t = ROOT::RDF::RCutFlowReport;

   ReportAction(std::shared_ptr<Result_t> result, ROOT::RDF::RNode node)
      : fResult(std::move(result)), fNode(std::move(node))
   {
   }
   ReportAction(ReportAction &&) = default;
   ReportAction(const ReportAction &) = delete;

   std::shared_ptr<Result_t> GetResultPtr() const { return fResult; }
   std::string GetActionName() const { return "Report"; }
   void Initialize() {}
   void InitTask(TTreeReader *, unsigned int) {}
   void Exec(unsigned int) {}
   void Finalize()
   {
      *fResult = {}; // a clone's result begins as a copy
      RootInternals::FillReport(fNode, *fResult);
   }

   ReportAction MakeNew(void *result, std::string_view variation)
   {
      return {*static_cast<std::shared_ptr<Result_t> *>(result),
              RootInternals::GetVariedNode(fNode, std::string(variation))};
   }

   std::unique_ptr<ROOT::Detail::RDF::RMergeableValueBase> GetMergeableValue() const final
   {
      return MakeMergeable(*fResult);
   }

private:
   std::shared_ptr<Result_t> fResult;
   ROOT::RDF::RNode fNode;
};

} // namespace

void MergeableReport::Merge(const Base_t &other)
{
   RootInternals::AddCuts(fValue, other.GetValue());
}

std::unique_ptr<MergeableReport> MakeMergeable(const ROOT::RDF::RCutFlowReport &report)
{
   return std::make_unique<MergeableReport>(report);
}

ROOT::RDF::RResultPtr<ROOT::RDF::RCutFlowReport> BookReport(ROOT::RDF::RNode node)
{
   return node.Book(ReportAction(std::make_shared<ROOT::RDF::RCutFlowReport>(), node));
}

} // namespace FlashSim
