// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTHACTION
#define FLASHSIM_OVERSAMPLEDTHACTION

#include "FlashSim/FoldFiller.hxx"
#include "FlashSim/OversampledTH1.hxx"

#include <ROOT/RDF/RActionImpl.hxx>
#include <ROOT/RDF/RInterface.hxx>
#include <ROOT/RDF/RMergeableValue.hxx>
#include <ROOT/RResultPtr.hxx>
#include <TDirectory.h>

#include <array>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

class TTreeReader;

namespace FlashSim {

/// Where an action finds which RECO events were made from the same GEN event.
struct FoldColumns {
   /// Number of the GEN event, an integer column; empty: one entry is one GEN event (inline mode).
   std::string fEvent = "genEvent";
   /// N of the GEN event, an integer column. In inline mode, the size of the value's RVec if there is no such column.
   std::string fFolds = "nFolds";
   /// N of all GEN events, if not 0; then fFolds is not looked at.
   int fConstantFolds = 0;
   /// Whether the entries of a GEN event may be split between tasks: true for files, false for a FoldSource.
   bool fFoldsStraddleTasks = true;
};

/// \brief The columns that fill an oversampled histogram, checked against a dataframe.
class FillColumns {
public:
   /// \param[in] node what the columns are read from
   /// \param[in] action names the histogram in errors
   /// \param[in] values columns to histogram, one for each axis
   /// \param[in] weight column, or empty for weights of 1
   /// \param[in] folds where folds are found
   /// \throws std::runtime_error naming a column that does not exist, or folds that cannot be known
   FillColumns(ROOT::RDF::RNode node, std::string action, const std::vector<std::string> &values,
               const std::string &weight, FoldColumns folds);

   /// Values, weight, event and folds, those that there are.
   const std::vector<std::string> &GetNames() const { return fNames; }
   bool HasWeight() const { return fHasWeight; }
   bool HasEvent() const { return !fFolds.fEvent.empty(); }
   bool HasFolds() const { return !fFolds.fFolds.empty(); }
   int GetConstantFolds() const { return fFolds.fConstantFolds; }
   bool MayStraddleTasks() const { return HasEvent() && fFolds.fFoldsStraddleTasks; }
   FoldLabels GetLabels() const;

   [[noreturn]] void ThrowWrongType(std::size_t column, const char *expected) const;
   [[noreturn]] void ThrowSizesDiffer(std::size_t first, std::size_t firstSize, std::size_t second,
                                      std::size_t secondSize) const;
   [[noreturn]] void ThrowMoreThanFolds(std::size_t size, Long64_t folds) const;
   [[noreturn]] void ThrowNoFolds() const;

private:
   std::string Describe(std::size_t column) const;

   std::string fAction;
   FoldColumns fFolds;
   bool fHasWeight;
   std::vector<std::string> fNames;
   std::vector<std::string> fTypes;
};

namespace Columns {

template <typename T, typename = void>
struct IsCollection : std::false_type {};
template <typename T>
struct IsCollection<T, std::void_t<decltype(std::begin(std::declval<const T &>())),
                                   decltype(std::declval<const T &>().size())>>
   : std::bool_constant<!std::is_convertible_v<const T &, std::string_view>> {};

/// Goes through the elements of a collection; a scalar repeats itself.
template <typename T, bool = IsCollection<T>::value>
class Elements {
public:
   explicit Elements(const T &scalar) : fScalar(scalar) {}
   const T &Next() { return fScalar; }

private:
   const T &fScalar;
};

template <typename T>
class Elements<T, true> {
public:
   explicit Elements(const T &collection) : fNext(std::begin(collection)) {}
   decltype(auto) Next() { return *fNext++; }

private:
   decltype(std::begin(std::declval<const T &>())) fNext;
};

template <typename T>
std::size_t GetSize(const T &column)
{
   if constexpr (IsCollection<T>::value)
      return column.size();
   else
      return 1;
}

} // namespace Columns

/// \brief The action that fills an oversampled histogram in an RDataFrame's event loop; for RInterface::Book.
/// \tparam Histogram such as OversampledTH1D
/// \tparam Weighted whether there is a column of weights
/// \tparam HasEvent whether there is a column with the number of the GEN event; if not, one entry is one GEN event
/// \tparam HasFolds whether there is a column with the number of folds
///
/// Columns in this order: one value for each axis, then weight, event and folds as far as there are. Users rather call
/// BookOversampledTH1D(), which explains what they mean.
///
/// *Life cycle*: Initialize() forgets what an earlier event loop left. InitTask() makes the slot's accumulator at its first task;
/// FinalizeTask() ends the last fold of the task. Finalize() merges the slots in their order, joins the folds that straddle tasks,
/// writes the result and frees the accumulators. Which slot gets which entries changes from run to run, so
/// that results of multi-threaded runs agree to rounding (some 1e-15), not bit for bit.
///
/// *Errors*: Exec() throws. RDataFrame calls FinalizeTask() and Finalize() from destructors, after an exception too, so that they
/// cannot: a loop that was interrupted leaves a histogram of NaN; parts of a fold that do not fit together too, and a message.
///
/// *Threads*: as RDataFrame calls it, Exec() of different slots at the same time.
template <typename Histogram, bool Weighted, bool HasEvent, bool HasFolds>
class R__CLING_PTRCHECK(off) OversampledTHAction
   : public ROOT::Detail::RDF::RActionImpl<OversampledTHAction<Histogram, Weighted, HasEvent, HasFolds>> {
   static constexpr unsigned int kDimension = Histogram::kDimension;
   static constexpr std::size_t kWeight = kDimension;
   static constexpr std::size_t kEvent = kWeight + (Weighted ? 1 : 0);
   static constexpr std::size_t kFolds = kEvent + (HasEvent ? 1 : 0);
   static constexpr std::size_t kNColumns = kFolds + (HasFolds ? 1 : 0);
   using Filler_t = FoldFiller<kDimension>;

public:
   using Result_t = Histogram;

   OversampledTHAction(std::shared_ptr<Histogram> result, std::shared_ptr<const FillColumns> columns,
                       unsigned int nSlots)
      : fResult(std::move(result)), fColumns(std::move(columns)), fSlots(nSlots)
   {
   }
   OversampledTHAction(OversampledTHAction &&) = default;
   OversampledTHAction(const OversampledTHAction &) = delete;

   std::shared_ptr<Histogram> GetResultPtr() const { return fResult; }
   std::string GetActionName() const { return "OversampledTH" + std::to_string(kDimension) + "D"; }

   void Initialize()
   {
      fUncaughtExceptions = std::uncaught_exceptions();
      for (auto &slot : fSlots)
         slot = Slot{};
   }

   void InitTask(TTreeReader *, unsigned int slot)
   {
      auto &filler = fSlots[slot].fFiller;
      if (!filler)
         filler = std::make_unique<Filler_t>(*fResult, fResult->AreOverflowsInStatistics(),
                                             fColumns->MayStraddleTasks(), fColumns->GetLabels());
      filler->StartTask();
   }

   void FinalizeTask(unsigned int slot) noexcept
   {
      if (fSlots[slot].fFiller)
         fSlots[slot].fFiller->EndTask();
   }

   template <typename... ColumnTypes, std::enable_if_t<sizeof...(ColumnTypes) == kNColumns, int> = 0>
   void Exec(unsigned int slot, const ColumnTypes &...columns)
   {
      const auto row = std::tie(columns...);
      if constexpr (HasEvent)
         ExecRecoEvent(*fSlots[slot].fFiller, row, std::make_index_sequence<kDimension + (Weighted ? 1 : 0)>{});
      else
         ExecGenEvent(*fSlots[slot].fFiller, row, std::make_index_sequence<kDimension + (Weighted ? 1 : 0)>{});
   }

   void Finalize() noexcept
   {
      if (std::uncaught_exceptions() > fUncaughtExceptions) {
         fResult->Invalidate(); // rather than contents of which nobody knows how much is missing
         return;
      }
      try {
         std::unique_ptr<Filler_t> sums;
         for (auto &slot : fSlots) {
            if (sums && slot.fFiller)
               sums->Merge(*slot.fFiller);
            else if (slot.fFiller)
               sums = std::move(slot.fFiller);
            slot = Slot{};
         }
         if (sums) {
            sums->Finish();
            Write(*sums, *fResult);
         } else {
            fResult->Reset();
         }
      } catch (const std::exception &error) {
         fResult->Invalidate();
         fResult->Error("Finalize", "all contents are set to NaN. %s", error.what());
      }
   }

   /// What the slot has filled so far, without the folds that may straddle tasks.
   Histogram &PartialUpdate(unsigned int slot)
   {
      auto &partial = fSlots[slot].fPartial;
      if (!partial) {
         const TDirectory::TContext inNoDirectory(nullptr);
         partial = std::make_unique<Histogram>(*fResult);
      }
      if (fSlots[slot].fFiller)
         Write(*fSlots[slot].fFiller, *partial);
      return *partial;
   }

   OversampledTHAction MakeNew(void *newResult, std::string_view /*variation*/ = "nominal")
   {
      const auto &result = *static_cast<std::shared_ptr<Histogram> *>(newResult);
      result->Reset();
      result->SetDirectory(nullptr);
      return OversampledTHAction(result, fColumns, static_cast<unsigned int>(fSlots.size()));
   }

   std::unique_ptr<ROOT::Detail::RDF::RMergeableValueBase> GetMergeableValue() const final
   {
      return std::make_unique<ROOT::Detail::RDF::RMergeableFill<Histogram>>(*fResult);
   }

private:
   struct Slot {
      std::unique_ptr<Filler_t> fFiller;
      std::unique_ptr<Histogram> fPartial;
   };

   static void Write(const Filler_t &sums, Histogram &histogram)
   {
      histogram.SetFromFolds(sums.GetAccumulator(), sums.GetStatistics(), sums.GetEntries());
   }

   template <typename T>
   double ToNumber(T number, std::size_t column) const
   {
      if constexpr (std::is_arithmetic_v<T>)
         return static_cast<double>(number);
      else
         fColumns->ThrowWrongType(column, "a number, or a collection of numbers");
   }

   template <typename Integer, typename T>
   Integer ToInteger(T number, std::size_t column) const
   {
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
         return static_cast<Integer>(number);
      else
         fColumns->ThrowWrongType(column, "an integer");
   }

   template <typename Row>
   Long64_t GetFolds(const Row &row) const
   {
      if constexpr (HasFolds)
         return ToInteger<Long64_t>(std::get<kFolds>(row), kFolds);
      else
         return fColumns->GetConstantFolds();
   }

   /// Calls `fill(point, weight)` for each element of the values and weights, the first columns of the row.
   template <typename Row, std::size_t... I, typename Fill>
   void ForEach(const Row &row, std::size_t size, std::index_sequence<I...>, Fill &&fill) const
   {
      auto elements = std::make_tuple(Columns::Elements<std::decay_t<std::tuple_element_t<I, Row>>>(std::get<I>(row))...);
      for (std::size_t i = 0; i < size; ++i) {
         const std::array<double, sizeof...(I)> numbers{ToNumber(std::get<I>(elements).Next(), I)...};
         typename Filler_t::Point_t point;
         for (unsigned int d = 0; d < kDimension; ++d)
            point[d] = numbers[d];
         if constexpr (Weighted)
            fill(point, numbers[kWeight]);
         else
            fill(point, 1.);
      }
   }

   /// The size that all collections among the values and weights have. \pre at least one is a collection
   template <typename Row, std::size_t... I>
   std::size_t GetCommonSize(const Row &row, std::index_sequence<I...>) const
   {
      constexpr std::array<bool, sizeof...(I)> isCollection{
         Columns::IsCollection<std::decay_t<std::tuple_element_t<I, Row>>>::value...};
      const std::array<std::size_t, sizeof...(I)> sizes{Columns::GetSize(std::get<I>(row))...};
      std::size_t first = 0;
      while (!isCollection[first])
         ++first;
      for (std::size_t i = first + 1; i < sizeof...(I); ++i) {
         if (isCollection[i] && sizes[i] != sizes[first])
            fColumns->ThrowSizesDiffer(first, sizes[first], i, sizes[i]);
      }
      return sizes[first];
   }

   template <typename Row, std::size_t... I>
   void ExecRecoEvent(Filler_t &filler, const Row &row, std::index_sequence<I...> filled)
   {
      const auto event = ToInteger<ULong64_t>(std::get<kEvent>(row), kEvent);
      const auto folds = GetFolds(row);
      if constexpr ((Columns::IsCollection<std::decay_t<std::tuple_element_t<I, Row>>>::value || ...)) {
         const auto size = GetCommonSize(row, filled);
         filler.StartRecoEvent(event, folds);
         ForEach(row, size, filled,
                 [&](const auto &point, double weight) { filler.FillOneOfMany(point, weight); });
      } else {
         ForEach(row, 1, filled,
                 [&](const auto &point, double weight) { filler.FillRecoEvent(event, folds, point, weight); });
      }
   }

   template <typename Row, std::size_t... I>
   void ExecGenEvent(Filler_t &filler, const Row &row, std::index_sequence<I...> filled)
   {
      if constexpr (Columns::IsCollection<std::decay_t<std::tuple_element_t<0, Row>>>::value) {
         const auto size = GetCommonSize(row, filled);
         Long64_t folds = GetFolds(row);
         if constexpr (!HasFolds) {
            if (folds == 0)
               folds = static_cast<Long64_t>(size);
            if (folds == 0)
               fColumns->ThrowNoFolds();
         }
         filler.StartGenEvent(folds);
         if (static_cast<Long64_t>(size) > folds)
            fColumns->ThrowMoreThanFolds(size, folds);
         ForEach(row, size, filled, [&](const auto &point, double weight) { filler.Fill(point, weight); });
         filler.EndGenEvent();
      } else {
         fColumns->ThrowWrongType(0, "a collection of numbers, one for each RECO event of the GEN event, since no column "
                                     "with the number of the GEN event was given");
      }
   }

   int fUncaughtExceptions = 0;
   std::shared_ptr<Histogram> fResult;
   std::shared_ptr<const FillColumns> fColumns;
   std::vector<Slot> fSlots;
};

/// \cond
namespace Booking {

template <typename Histogram, bool Weighted, bool HasEvent, bool HasFolds, typename... ColumnTypes>
ROOT::RDF::RResultPtr<Histogram>
Book(ROOT::RDF::RNode &node, std::shared_ptr<Histogram> result, std::shared_ptr<const FillColumns> columns)
{
   constexpr std::size_t nColumns = Histogram::kDimension + Weighted + HasEvent + HasFolds;
   if constexpr (sizeof...(ColumnTypes) == 0 || sizeof...(ColumnTypes) == nColumns) {
      using Action = OversampledTHAction<Histogram, Weighted, HasEvent, HasFolds>;
      const auto names = columns->GetNames();
      return node.template Book<ColumnTypes...>(Action(std::move(result), std::move(columns), node.GetNSlots()), names);
   } else {
      throw std::invalid_argument("FlashSim: OversampledTH" + std::to_string(Histogram::kDimension) + "D was given " +
                                  std::to_string(sizeof...(ColumnTypes)) + " column types for " +
                                  std::to_string(nColumns) +
                                  " columns. Expected those of the values, then of weight, event and folds as far as "
                                  "they are columns.");
   }
}

/// BookOversampledTH1D() for Python, where errors of functions with overloads are hard to read.
ROOT::RDF::RResultPtr<OversampledTH1D> BookTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                const std::string &value, const std::string &weight,
                                                const FoldColumns &folds);

/// Turns what is known when the program runs into what the action must know when it is compiled.
template <typename Histogram, typename... ColumnTypes, bool... Known>
ROOT::RDF::RResultPtr<Histogram>
Choose(std::integer_sequence<bool, Known...>, ROOT::RDF::RNode &node, std::shared_ptr<Histogram> result,
       std::shared_ptr<const FillColumns> columns)
{
   constexpr std::size_t nKnown = sizeof...(Known);
   if constexpr (nKnown == 3) {
      return Book<Histogram, Known..., ColumnTypes...>(node, std::move(result), std::move(columns));
   } else {
      const std::array<bool, 3> has{columns->HasWeight(), columns->HasEvent(), columns->HasFolds()};
      if (has[nKnown])
         return Choose<Histogram, ColumnTypes...>(std::integer_sequence<bool, Known..., true>{}, node,
                                                  std::move(result), std::move(columns));
      return Choose<Histogram, ColumnTypes...>(std::integer_sequence<bool, Known..., false>{}, node, std::move(result),
                                               std::move(columns));
   }
}

} // namespace Booking
/// \endcond

/// \brief Books a histogram whose errors are right when several RECO events were made from each GEN event.
/// \param[in] node any node of a computation graph
/// \param[in] model name, title and binning
/// \param[in] value column to histogram: a number, or an RVec of numbers that fill one by one
/// \param[in] weight column of weights, an RVec of them, or empty for weights of 1
/// \param[in] folds where to find the GEN event and its number of folds
/// \return the histogram to be filled. Lazy: as for Histo1D, the event loop starts when it is looked at
/// \throws std::runtime_error if a column does not exist, std::invalid_argument if the model has no limits
///
/// **With a column of GEN events**, one entry is one RECO event; an RVec holds what one RECO event fills, jets for
/// example. The entries of a GEN event follow one another, each with the N of this GEN event; those that a Filter has dropped
/// count in N. The number of a GEN event is unique in the dataset.
///
/// **Inline mode** (no such column): one entry is one GEN event, and the value is an RVec with one element for each RECO event. N is
/// its size; if elements were masked away, N must be given by the column of folds or as a constant.
///
/// A scalar weight holds for all elements of an RVec; an RVec of weights has as many elements as the value's, or fills a scalar
/// value once for each.
///
/// While the loop runs (std::runtime_error): a weight that is not finite, N below 1 or not the same within a GEN event, more
/// RECO events than N, RVecs of different sizes, columns of types that make no sense.
///
/// OversampledTH describes the result, FoldAccumulator the formulas. VariationsFor() and OnPartialResult() work as for Histo1D.
///
/// ~~~{.cpp}
/// ROOT::RDataFrame simulated("Events", "simulated.root"); // with columns genEvent and nFolds
/// auto h = FlashSim::BookOversampledTH1D(simulated.Filter("nJet >= 2"), {"pt", ";p_{T} [GeV]", 50, 0., 250.}, "Jet_pt");
/// h->Draw("E");
/// ~~~
ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const FoldColumns &folds);

/// The same, with the names of the columns one by one.
ROOT::RDF::RResultPtr<OversampledTH1D>
BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                    const std::string &weight = "", const std::string &event = "genEvent",
                    const std::string &folds = "nFolds", bool foldsStraddleTasks = true);

/// The same, with the number of folds of all GEN events.
ROOT::RDF::RResultPtr<OversampledTH1D>
BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                    const std::string &weight, const std::string &event, int folds, bool foldsStraddleTasks = true);

/// \brief The same without just-in-time compilation.
/// \tparam FirstColumn,OtherColumns types of value, weight, event and folds, as far as they are columns
///
/// ~~~{.cpp}
/// auto h = FlashSim::BookOversampledTH1D<ROOT::RVecF, ULong64_t, int>(node, {"pt", "", 50, 0., 250.}, "Jet_pt");
/// ~~~
template <typename FirstColumn, typename... OtherColumns>
ROOT::RDF::RResultPtr<OversampledTH1D>
BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                    const std::string &weight = "", const FoldColumns &folds = {})
{
   auto result = OversampledTH1D::Make(model);
   auto columns = std::make_shared<const FillColumns>(
      node, "FlashSim: OversampledTH1D '" + std::string(result->GetName()) + "'", std::vector<std::string>{value}, weight, folds);
   return Booking::Choose<OversampledTH1D, FirstColumn, OtherColumns...>({}, node, std::move(result), std::move(columns));
}

} // namespace FlashSim

#endif
