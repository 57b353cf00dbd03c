// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTHAction.hxx"

namespace FlashSim {
namespace {

void RequireColumn(ROOT::RDF::RNode &node, const std::string &action, const std::string &column, const char *remedy)
{
   // "#x", the size of x, is a name that RDataFrame understands beside those of columns.
   if (column.empty() || (column.front() != '#' && !node.HasColumn(column)))
      throw std::runtime_error(action + ": there is no column '" + column + "'. " + remedy);
}

} // namespace

FillColumns::FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
                         const std::string &weight, FoldColumns folds)
   : fAction(std::move(action)), fFolds(std::move(folds)), fHasWeight(!weight.empty())
{
   if (fFolds.fConstantFolds < 0)
      throw std::runtime_error(fAction + " was given " + std::to_string(fFolds.fConstantFolds) +
                               " folds. Expected the number of RECO events simulated from each GEN event, at least 1.");
   const bool isInline = fFolds.fEvent.empty();
   if (fFolds.fConstantFolds > 0 || (isInline && fFolds.fFolds == FoldColumns{}.fFolds && !node.HasColumn(fFolds.fFolds)))
      fFolds.fFolds.clear();
   if (!isInline && fFolds.fFolds.empty() && fFolds.fConstantFolds == 0)
      throw std::runtime_error(fAction + " was told neither a column with the number of folds nor the number itself. "
                                         "Without, it is not known how many RECO events a selection has dropped.");

   for (const auto &value : values) {
      RequireColumn(node, fAction, value, "Expected the name of a column to histogram; Define one for an expression.");
      fNames.push_back(value);
   }
   if (fHasWeight) {
      RequireColumn(node, fAction, weight, "Expected the name of a column of weights; Define one for an expression.");
      fNames.push_back(weight);
   }
   if (!isInline) {
      RequireColumn(node, fAction, fFolds.fEvent,
                    "Expected the number of the GEN event that an entry was simulated from; give its column as event, or "
                    "none (None in Python, \"\" in C++) if one entry is one GEN event.");
      fNames.push_back(fFolds.fEvent);
   }
   if (HasFolds()) {
      RequireColumn(node, fAction, fFolds.fFolds,
                    "Expected the number of RECO events simulated from a GEN event; give its column, or the number, as "
                    "folds.");
      fNames.push_back(fFolds.fFolds);
   }
   for (const auto &name : fNames)
      fTypes.push_back(node.GetColumnType(name));
}

FoldLabels FillColumns::GetLabels() const
{
   FoldLabels labels;
   labels.fAction = fAction;
   if (HasEvent())
      labels.fEvent = "column '" + fFolds.fEvent + "'";
   if (HasFolds())
      labels.fFolds = "column '" + fFolds.fFolds + "'";
   else if (fFolds.fConstantFolds > 0)
      labels.fFolds = "the same number for all";
   else
      labels.fFolds = "the size of column '" + fNames.front() + "'";
   return labels;
}

std::string FillColumns::Describe(std::size_t column) const
{
   return "column '" + fNames[column] + "' (" + fTypes[column] + ")";
}

void FillColumns::ThrowWrongType(std::size_t column, const char *expected) const
{
   throw std::runtime_error(fAction + ": " + Describe(column) + " cannot be used. Expected " + expected + ".");
}

void FillColumns::ThrowSizesDiffer(std::size_t first, std::size_t firstSize, std::size_t second,
                                   std::size_t secondSize) const
{
   throw std::runtime_error(fAction + ": in one entry, " + Describe(first) + " has " + std::to_string(firstSize) +
                            " elements and " + Describe(second) + " has " + std::to_string(secondSize) +
                            ". Expected as many, or a scalar.");
}

void FillColumns::ThrowMoreThanFolds(std::size_t size, Long64_t folds) const
{
   throw std::runtime_error(fAction + ": in one entry, " + Describe(0) + " has " + std::to_string(size) +
                            " elements, more than the " + std::to_string(folds) + " folds (" + GetLabels().fFolds +
                            "). Expected one element for each RECO event at most.");
}

void FillColumns::ThrowNoFolds() const
{
   throw std::runtime_error(fAction + ": in one entry, " + Describe(0) +
                            " is empty, so that the number of folds is not known. If RECO events were masked away, "
                            "give the number that were simulated as folds.");
}

ROOT::RDF::RResultPtr<OversampledTH1D> Booking::BookTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                         const std::string &value, const std::string &weight,
                                                         const FoldColumns &folds)
{
   auto result = OversampledTH1D::Make(model);
   auto columns = std::make_shared<const FillColumns>(
      node, "FlashSim: OversampledTH1D '" + std::string(result->GetName()) + "'", std::vector<std::string>{value}, weight, folds);
   return Choose<OversampledTH1D>({}, node, std::move(result), std::move(columns));
}

ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const FoldColumns &folds)
{
   return Booking::BookTH1D(std::move(node), model, value, weight, folds);
}

ROOT::RDF::RResultPtr<OversampledTH1D>
BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                    const std::string &weight, const std::string &event, const std::string &folds,
                    bool foldsStraddleTasks)
{
   return BookOversampledTH1D(node, model, value, weight, FoldColumns{event, folds, 0, foldsStraddleTasks});
}

ROOT::RDF::RResultPtr<OversampledTH1D>
BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                    const std::string &weight, const std::string &event, int folds, bool foldsStraddleTasks)
{
   // 0 would mean "not given" in FoldColumns
   return BookOversampledTH1D(node, model, value, weight, FoldColumns{event, "", folds > 0 ? folds : -1, foldsStraddleTasks});
}

} // namespace FlashSim
