// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTHAction.hxx"

#include <ROOT/RVec.hxx>

#include <array>

namespace FlashSim {
namespace {

template <typename T>
constexpr std::array<std::string_view, 2> kNames;
template <>
constexpr std::array<std::string_view, 2> kNames<int>{"int", "Int_t"};
template <>
constexpr std::array<std::string_view, 2> kNames<ULong64_t>{"ULong64_t", "unsigned long long"};
template <>
constexpr std::array<std::string_view, 2> kNames<float>{"float", "Float_t"};
template <>
constexpr std::array<std::string_view, 2> kNames<double>{"double", "Double_t"};
template <>
constexpr std::array<std::string_view, 2> kNames<ROOT::RVecF>{"ROOT::VecOps::RVec<float>",
                                                              "ROOT::VecOps::RVec<Float_t>"};
template <>
constexpr std::array<std::string_view, 2> kNames<ROOT::RVecD>{"ROOT::VecOps::RVec<double>",
                                                              "ROOT::VecOps::RVec<Double_t>"};

template <typename T>
bool Is(const std::string &type)
{
   return type == kNames<T>[0] || type == kNames<T>[1];
}

using Book_t = ROOT::RDF::RResultPtr<OversampledTH1D> (*)(ROOT::RDF::RNode, const Booking::Request &);

template <typename Value>
Book_t ChooseWeight(const std::string *weight)
{
   if (!weight)
      return Booking::Book<Value, ULong64_t, int>;
   if (Is<float>(*weight))
      return Booking::Book<Value, float, ULong64_t, int>;
   if (Is<double>(*weight))
      return Booking::Book<Value, double, ULong64_t, int>;
   return Booking::Book<>;
}

/// Types that are common are compiled here: just-in-time compilation takes a second, and gives code half as fast.
Book_t ChooseTypes(const FillColumns &columns)
{
   const auto &layout = columns.GetLayout();
   const auto &types = columns.GetTypes();
   if (!layout.fHasEvent || !Is<ULong64_t>(types[layout.fEvent]) || !layout.fHasFolds || !Is<int>(types[layout.fFolds]))
      return Booking::Book<>;
   const auto *weight = layout.fHasWeight ? &types[layout.fWeight] : nullptr;
   if (Is<float>(types[0]))
      return ChooseWeight<float>(weight);
   if (Is<double>(types[0]))
      return ChooseWeight<double>(weight);
   if (Is<int>(types[0]))
      return ChooseWeight<int>(weight);
   if (Is<ROOT::RVecF>(types[0]))
      return ChooseWeight<ROOT::RVecF>(weight);
   if (Is<ROOT::RVecD>(types[0]))
      return ChooseWeight<ROOT::RVecD>(weight);
   return Booking::Book<>;
}

} // namespace

Booking::Request::Request(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                          const std::string &weight, const FoldColumns &folds)
   : fResult(OversampledTH1D::Make(model)),
     fColumns(std::make_shared<const FillColumns>(std::move(node),
                                                  "FlashSim: OversampledTH1D '" + std::string(fResult->GetName()) + "'",
                                                  std::vector<std::string>{value}, weight, folds))
{
}

ROOT::RDF::RResultPtr<OversampledTH1D> Booking::BookTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                         const std::string &value, const std::string &weight,
                                                         const FoldColumns &folds)
{
   const Request request(node, model, value, weight, folds);
   return ChooseTypes(*request.fColumns)(std::move(node), request);
}

ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const FoldColumns &folds)
{
   return Booking::BookTH1D(std::move(node), model, value, weight, folds);
}

ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const std::string &event, const std::string &folds,
                                                           bool foldsStraddleTasks)
{
   return BookOversampledTH1D(std::move(node), model, value, weight, FoldColumns{event, folds, 0, foldsStraddleTasks});
}

ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const std::string &event, int folds, bool foldsStraddleTasks)
{
   const int constantFolds = folds > 0 ? folds : -1; // 0 would stand for a column
   return BookOversampledTH1D(std::move(node), model, value, weight,
                              FoldColumns{event, "", constantFolds, foldsStraddleTasks});
}

} // namespace FlashSim
