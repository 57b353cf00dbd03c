// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDREADERS
#define FLASHSIM_FOLDREADERS

#include "FlashSim/lookahead/FoldStore.hxx"

#include <ROOT/RDF/RColumnReaderBase.hxx>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace FlashSim {

/// Reads an upstream column, or one of the new ones, at the slot's position.
class FoldColumnReader final : public ROOT::Detail::RDF::RColumnReaderBase {
public:
   FoldColumnReader(std::shared_ptr<FoldStore> store, std::shared_ptr<ColumnStore> column, unsigned int slot)
      : fStore(std::move(store)), fColumn(std::move(column)), fSlot(slot)
   {
   }

private:
   void *GetImpl(Long64_t) final
   {
      return fColumn->GetValue(fSlot, fStore->GetPlace(fStore->GetPosition(fSlot).fEvent));
   }
   std::shared_ptr<FoldStore> fStore;
   std::shared_ptr<ColumnStore> fColumn;
   unsigned int fSlot;
};

template <typename T>
class PositionReader final : public ROOT::Detail::RDF::RColumnReaderBase {
public:
   PositionReader(std::shared_ptr<FoldStore> store, T FoldStore::Position::*member, unsigned int slot)
      : fStore(std::move(store)), fMember(member), fSlot(slot)
   {
   }

private:
   void *GetImpl(Long64_t) final { return &(fStore->GetPosition(fSlot).*fMember); }
   std::shared_ptr<FoldStore> fStore;
   T FoldStore::Position::*fMember;
   unsigned int fSlot;
};

/// Replaces a reader that cannot be made; see FoldSource::GetColumnReaders.
class RefusedReader final : public ROOT::Detail::RDF::RColumnReaderBase {
public:
   explicit RefusedReader(std::string reason) : fReason(std::move(reason)) {}

private:
   void *GetImpl(Long64_t) final { throw std::runtime_error(fReason); }
   std::string fReason;
};

} // namespace FlashSim

#endif
