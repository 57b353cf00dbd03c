// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTHAction.hxx"

namespace FlashSim {
ROOT::RDF::RResultPtr<OversampledTH1D> Booking::BookTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                         const std::string &value, const std::string &weight,
                                                         const FoldColumns &folds)
{
   return BookTyped<>(std::move(node), model, value, weight, folds);
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
