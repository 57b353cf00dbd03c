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

#include <exception>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

class TTreeReader;

namespace FlashSim {

/// \brief The action that fills an oversampled histogram in an RDataFrame's event loop; for RInterface::Book.
/// \tparam Histogram such as OversampledTH1D
///
/// Reads the columns of FillColumns. Users rather call BookOversampledTH1D(), which explains what they mean.
///
/// *Life cycle*: Initialize() forgets what an earlier event loop left. InitTask() makes the slot's accumulator at its
/// first task; FinalizeTask() ends the last fold of the task. Finalize() merges the slots in their order, joins the
/// folds that straddle tasks, writes the result and frees the accumulators. Which slot gets which entries changes from
/// run to run, so that results of multi-threaded runs agree to rounding (some 1e-15), not bit for bit.
///
/// *Errors*: Exec() throws. RDataFrame calls FinalizeTask() and Finalize() from destructors, after an exception too, so
/// that they cannot: a loop that was interrupted leaves a histogram of NaN; parts of a fold that do not fit together
/// too, and a message.
///
/// *Threads*: as RDataFrame calls it, Exec() of different slots at the same time.
template <typename Histogram>
class R__CLING_PTRCHECK(off) OversampledTHAction
   : public ROOT::Detail::RDF::RActionImpl<OversampledTHAction<Histogram>> {
   using Filler_t = FoldFiller<Histogram::kDimension>;

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
   std::string GetActionName() const { return "OversampledTH" + std::to_string(Histogram::kDimension) + "D"; }

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
         filler = std::make_unique<Filler_t>(*fResult, fResult->AreOverflowsInStatistics(), fColumns);
      filler->StartTask();
   }

   void FinalizeTask(unsigned int slot) noexcept
   {
      if (fSlots[slot].fFiller)
         fSlots[slot].fFiller->EndTask();
   }

   template <typename... ColumnTypes, std::enable_if_t<(sizeof...(ColumnTypes) > 0), int> = 0>
   void Exec(unsigned int slot, const ColumnTypes &...columns)
   {
      if constexpr ((ColumnView::IsScalarType<ColumnTypes>() && ...)) {
         constexpr unsigned int areIntegers = GetBits({ColumnView::IsIntegerType<ColumnTypes>()...});
         const ScalarColumn row[] = {ScalarColumn::Of(columns)...};
         fSlots[slot].fFiller->Fill(row, areIntegers);
      } else {
         const ColumnView row[] = {ColumnView(columns)...};
         fSlots[slot].fFiller->Fill(row);
      }
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

   static constexpr unsigned int GetBits(std::initializer_list<bool> bits)
   {
      unsigned int sum = 0;
      unsigned int value = 1;
      for (const bool bit : bits) {
         sum += bit ? value : 0;
         value *= 2;
      }
      return sum;
   }

   static void Write(const Filler_t &sums, Histogram &histogram)
   {
      histogram.SetFromFolds(sums.GetAccumulator(), sums.GetStatistics(), sums.GetEntries());
   }

   int fUncaughtExceptions = 0;
   std::shared_ptr<Histogram> fResult;
   std::shared_ptr<const FillColumns> fColumns;
   std::vector<Slot> fSlots;
};

/// \cond
namespace Booking {

/// An empty histogram and the columns that will fill it.
struct Request {
   Request(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
           const std::string &weight, const FoldColumns &folds);

   std::shared_ptr<OversampledTH1D> fResult;
   std::shared_ptr<const FillColumns> fColumns;
};

/// Books with columns of these types, or, if none are given, of those that just-in-time compilation finds.
template <typename... ColumnTypes>
ROOT::RDF::RResultPtr<OversampledTH1D> Book(ROOT::RDF::RNode node, const Request &request)
{
   return node.template Book<ColumnTypes...>(
       OversampledTHAction<OversampledTH1D>(request.fResult, request.fColumns, node.GetNSlots()),
       request.fColumns->GetNames());
}

/// BookOversampledTH1D() for Python, where errors of functions with overloads are hard to read.
ROOT::RDF::RResultPtr<OversampledTH1D> BookTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                const std::string &value, const std::string &weight,
                                                const FoldColumns &folds);

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
/// example. The entries of a GEN event follow one another, each with the N of this GEN event; those that a Filter has
/// dropped count in N. (Note that Snapshot with several threads does not keep the order of entries.) The number of a
/// GEN event is unique in the dataset.
///
/// **Inline mode** (no such column): one entry is one GEN event, and the value is an RVec with one element for each
/// RECO event. N is its size; if elements were masked away, N must be given by the column of folds or as a constant.
///
/// A scalar weight holds for all elements of an RVec; an RVec of weights has as many elements as the value's, or fills
/// a scalar value once for each.
///
/// While the loop runs (std::runtime_error): a weight that is not finite, N below 1 or not the same within a GEN event,
/// more RECO events than N, RVecs of different sizes, columns of types that make no sense.
///
/// OversampledTH describes the result, FoldAccumulator the formulas. VariationsFor() and OnPartialResult() work as for
/// Histo1D.
///
/// ~~~{.cpp}
/// ROOT::RDataFrame simulated("Events", "simulated.root"); // with columns genEvent and nFolds
/// auto h = FlashSim::BookOversampledTH1D(simulated.Filter("nJet >= 2"), {"pt", ";p_{T}", 50, 0., 250.}, "Jet_pt");
/// h->Draw("E");
/// ~~~
ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const FoldColumns &folds);

/// The same, with the names of the columns one by one.
ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight = "",
                                                           const std::string &event = "genEvent",
                                                           const std::string &folds = "nFolds",
                                                           bool foldsStraddleTasks = true);

/// The same, with the number of folds of all GEN events.
ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight,
                                                           const std::string &event, int folds,
                                                           bool foldsStraddleTasks = true);

/// \brief The same for any types of columns without just-in-time compilation.
/// \tparam FirstColumn,OtherColumns types of value, weight, event and folds, as far as they are columns
///
/// ~~~{.cpp}
/// auto h = FlashSim::BookOversampledTH1D<ROOT::RVecF, ULong64_t, int>(node, {"pt", "", 50, 0., 250.}, "Jet_pt");
/// ~~~
template <typename FirstColumn, typename... OtherColumns>
ROOT::RDF::RResultPtr<OversampledTH1D> BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model,
                                                           const std::string &value, const std::string &weight = "",
                                                           const FoldColumns &folds = {})
{
   return Booking::Book<FirstColumn, OtherColumns...>(node, Booking::Request(node, model, value, weight, folds));
}

} // namespace FlashSim

#endif
