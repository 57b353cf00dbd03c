// Part of FlashSim for RDataFrame.
#include "FlashSim/BookOversampledTH.hxx"

#include "FlashSim/booking/detail/HistogramModels.hxx"
#include "FlashSim/histograms/ForEachOversampledTH.hxx"

#include <ROOT/RVec.hxx>

#include <array>
#include <string_view>
#include <type_traits>

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

template <typename Histogram>
using Book_t = ROOT::RDF::RResultPtr<Histogram> (*)(ROOT::RDF::RNode, const Booking::Request<Histogram> &);

/// Whether there is a column of fold sizes, or a number.
template <typename Histogram, typename... Columns>
Book_t<Histogram> ChooseFoldSize(const FillColumns &columns)
{
   const auto &layout = columns.GetLayout();
   if (layout.fHasFoldSize)
      return Is<int>(columns.GetTypes()[layout.fFoldSize]) ? Booking::Book<Histogram, Columns..., ULong64_t, int>
                                                           : Booking::Book<Histogram>;
   if constexpr (Histogram::kDimension == 1)
      return Booking::Book<Histogram, Columns..., ULong64_t>;
   return Booking::Book<Histogram>;
}

template <typename Histogram, typename... Values>
Book_t<Histogram> ChooseWeight(const FillColumns &columns)
{
   const auto &layout = columns.GetLayout();
   if (!layout.fHasWeight)
      return ChooseFoldSize<Histogram, Values...>(columns);
   const auto &weight = columns.GetTypes()[layout.fWeight];
   if (Is<float>(weight))
      return ChooseFoldSize<Histogram, Values..., float>(columns);
   if (Is<double>(weight))
      return ChooseFoldSize<Histogram, Values..., double>(columns);
   return Booking::Book<Histogram>;
}

/// All values of one type.
template <typename Histogram, typename Value>
Book_t<Histogram> ChooseWeightOf(const FillColumns &columns)
{
   if constexpr (Histogram::kDimension == 1)
      return ChooseWeight<Histogram, Value>(columns);
   else if constexpr (Histogram::kDimension == 2)
      return ChooseWeight<Histogram, Value, Value>(columns);
   else
      return ChooseWeight<Histogram, Value, Value, Value>(columns);
}

/// Types that are common are compiled here: just-in-time compilation takes a second, and gives code half as fast.
template <typename Histogram>
Book_t<Histogram> ChooseTypes(const FillColumns &columns)
{
   constexpr bool isCommon = std::is_same_v<Histogram, OversampledTH1D> || std::is_same_v<Histogram, OversampledTH2D> ||
                             std::is_same_v<Histogram, OversampledTH3D>;
   if constexpr (isCommon) {
      const auto &layout = columns.GetLayout();
      const auto &types = columns.GetTypes();
      if (layout.fNEvents != 1 || layout.fHasFoldIndex || !Is<ULong64_t>(types[layout.fEvent]))
         return Booking::Book<Histogram>;
      for (unsigned int i = 1; i < layout.fNValues; ++i) {
         if (types[i] != types[0])
            return Booking::Book<Histogram>;
      }
      if (Is<float>(types[0]))
         return ChooseWeightOf<Histogram, float>(columns);
      if (Is<double>(types[0]))
         return ChooseWeightOf<Histogram, double>(columns);
      if (Is<int>(types[0]))
         return ChooseWeightOf<Histogram, int>(columns);
      if (Is<ROOT::RVecF>(types[0]))
         return ChooseWeightOf<Histogram, ROOT::RVecF>(columns);
      if (Is<ROOT::RVecD>(types[0]))
         return ChooseWeightOf<Histogram, ROOT::RVecD>(columns);
   }
   return Booking::Book<Histogram>;
}

} // namespace

template <typename Histogram>
Booking::Request<Histogram>::Request(ROOT::RDF::RNode node, const typename Histogram::Model_t &model,
                                     const std::vector<std::string> &values, const std::string &weight,
                                     const FoldOptions &options)
{
   const std::string name = Histogram::Class()->GetName();
   const auto action = "FlashSim: " + name.substr(name.rfind(':') + 1) + " '" + model.fName.Data() + "'";
   if (values.size() != Histogram::kDimension)
      throw std::invalid_argument(action + " was given " + std::to_string(values.size()) +
                                  " columns to histogram. Expected one for each axis.");
   fResult = MakeHistogram<Histogram>(model, action, options.fCovariance);
   fColumns = std::make_shared<const FillColumns>(std::move(node), action, values, weight, options);
}

template <typename Histogram>
ROOT::RDF::RResultPtr<Histogram> BookOversampled(ROOT::RDF::RNode node, const typename Histogram::Model_t &model,
                                                 const std::vector<std::string> &values, const std::string &weight,
                                                 const FoldOptions &options)
{
   const Booking::Request<Histogram> request(node, model, values, weight, options);
   return ChooseTypes<Histogram>(*request.fColumns)(std::move(node), request);
}

#define FLASHSIM_INSTANTIATE(DIMENSION, PRECISION)                                                                     \
   template struct Booking::Request<OversampledTH##DIMENSION##PRECISION>;                                              \
   template ROOT::RDF::RResultPtr<OversampledTH##DIMENSION##PRECISION>                                                 \
   BookOversampled<OversampledTH##DIMENSION##PRECISION>(ROOT::RDF::RNode, const ROOT::RDF::TH##DIMENSION##DModel &,    \
                                                        const std::vector<std::string> &, const std::string &,         \
                                                        const FoldOptions &);                                          \
                                                                                                                       \
   ROOT::RDF::RResultPtr<OversampledTH##DIMENSION##PRECISION> Booking::BookTH##DIMENSION##PRECISION(                   \
       ROOT::RDF::RNode node, const ROOT::RDF::TH##DIMENSION##DModel &model, const std::vector<std::string> &values,   \
       const std::string &weight, const FoldOptions &options)                                                          \
   {                                                                                                                   \
      return BookOversampled<OversampledTH##DIMENSION##PRECISION>(std::move(node), model, values, weight, options);    \
   }
FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_INSTANTIATE)
#undef FLASHSIM_INSTANTIATE

} // namespace FlashSim
