// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_GENROWS
#define FLASHSIM_GENROWS

#include "FlashSim/lookahead/FoldStore.hxx"
#include "FlashSim/simulate/RowProvider.hxx"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace FlashSim {

/// The chunk of GEN events that the look-ahead holds, as context: the same for all RECO events of a fold.
class GenRows final : public RowProvider {
public:
   /// \param[in] columns the upstream column of each context variable; collected from now on
   GenRows(std::shared_ptr<FoldStore> store, const std::vector<std::string> &columns) : fStore(std::move(store))
   {
      for (const auto &column : columns)
         fColumns.push_back(fStore->Request(column));
   }

   std::size_t GetNVariables() const final { return fColumns.size(); }
   bool IsCollection(std::size_t variable) const final { return fColumns[variable]->IsCollection(); }
   bool IsSameInFold() const final { return true; }
   std::size_t GetSize(std::size_t variable, std::size_t event, std::size_t) const final
   {
      return fColumns[variable]->GetSize(fStore->GetPlace(event));
   }
   void CopyTo(std::size_t variable, std::size_t event, std::size_t, float *out, std::size_t stride) const final
   {
      fColumns[variable]->CopyTo(fStore->GetPlace(event), out, stride);
   }

private:
   std::shared_ptr<FoldStore> fStore;
   std::vector<std::shared_ptr<ColumnStore>> fColumns;
};

} // namespace FlashSim

#endif
