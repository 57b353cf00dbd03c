// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTHACTION
#define FLASHSIM_OVERSAMPLEDTHACTION

#include "FlashSim/booking/FoldFiller.hxx"
#include "FlashSim/distributed/MergeableOversampledTH.hxx"

#include <ROOT/RDF/RActionImpl.hxx>
#include <ROOT/RDF/RMergeableValue.hxx>
#include <TDirectory.h>

#include <exception>
#include <memory>
#include <stdexcept>
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
/// Reads the columns of FillColumns. Users call BookOversampled() instead, which explains these columns.
///
/// *Life cycle*: Initialize() drops the state of an earlier event loop. InitTask() makes the slot's accumulator at its
/// first task; FinalizeTask() ends the last fold of the task. Finalize() merges the slots in their order, joins the
/// folds that straddle tasks, writes the result and frees the accumulators. The slot of an entry changes from run to
/// run: results of multi-threaded runs agree to rounding (some 1e-15), not bit for bit.
///
/// *Errors*: Exec() throws. FinalizeTask() and Finalize() cannot: RDataFrame calls them from destructors, after an
/// exception too. An interrupted loop leaves a histogram of NaN. Parts of a fold that do not fit together do so, too,
/// and print a message.
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
   std::string GetActionName() const
   {
      return std::string(fResult->ClassName()).substr(std::string("FlashSim::").size()) + "\\n" + fResult->GetName();
   }

   void Initialize()
   {
      fUncaughtExceptions = std::uncaught_exceptions();
      fFailure.clear();
      fOpenFolds = OpenFolds();
      fStatistics = {};
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

   /// Called from destructors: Finalize() reports its errors.
   void FinalizeTask(unsigned int slot) noexcept
   {
      try {
         if (fSlots[slot].fFiller)
            fSlots[slot].fFiller->EndTask();
      } catch (const std::exception &) {
         fSlots[slot].fFailure = std::current_exception();
      }
   }

   template <typename... ColumnTypes, std::enable_if_t<(sizeof...(ColumnTypes) > 0), int> = 0>
   void Exec(unsigned int slot, const ColumnTypes &...columns)
   {
      if constexpr ((ColumnView::IsScalarType<ColumnTypes>() && ...)) {
         constexpr ColumnSet integers{ColumnView::IsIntegerType<ColumnTypes>()...};
         const ScalarColumn row[] = {ScalarColumn::Of(columns)...};
         fSlots[slot].fFiller->Fill(row, integers);
      } else {
         const ColumnView row[] = {ColumnView(columns)...};
         fSlots[slot].fFiller->Fill(row);
      }
   }

   void Finalize() noexcept
   {
      if (std::uncaught_exceptions() > fUncaughtExceptions) {
         fResult->Invalidate(); // instead of contents with an unknown part missing
         return;
      }
      try {
         std::unique_ptr<Filler_t> sums;
         for (auto &slot : fSlots) {
            if (slot.fFailure)
               std::rethrow_exception(slot.fFailure);
            if (sums && slot.fFiller)
               sums->Merge(*slot.fFiller);
            else if (slot.fFiller)
               sums = std::move(slot.fFiller);
            slot = Slot{};
         }
         if (sums) {
            if (fColumns->IsPart())
               fOpenFolds = sums->FinishPart();
            else
               sums->Finish();
            fStatistics = sums->GetStatistics();
            Write(*sums, *fResult);
         } else {
            fResult->Reset();
         }
      } catch (const std::exception &error) {
         fResult->Invalidate();
         fFailure = error.what();
         fResult->Error("Finalize", "all contents are set to NaN. %s", error.what());
      }
   }

   /// The slot's fills so far, without the folds that may straddle tasks.
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

   /// \throws std::runtime_error if Finalize() failed
   std::unique_ptr<ROOT::Detail::RDF::RMergeableValueBase> GetMergeableValue() const final
   {
      if (!fFailure.empty())
         throw std::runtime_error(fFailure);
      return std::make_unique<MergeableOversampledTH<Histogram>>(*fResult, fOpenFolds, fStatistics);
   }

private:
   struct Slot {
      std::unique_ptr<Filler_t> fFiller;
      std::unique_ptr<Histogram> fPartial;
      std::exception_ptr fFailure; // of the end of a task
   };

   static void Write(const Filler_t &sums, Histogram &histogram)
   {
      histogram.SetFromFolds(sums.GetAccumulator(), sums.GetStatistics(), sums.GetEntries());
   }

   int fUncaughtExceptions = 0;
   std::string fFailure;
   OpenFolds fOpenFolds; ///< if the event loop covers a part of a dataset
   Statistics_t fStatistics{};
   std::shared_ptr<Histogram> fResult;
   std::shared_ptr<const FillColumns> fColumns;
   std::vector<Slot> fSlots;
};

} // namespace FlashSim

#endif
