// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_COLUMNSTORE
#define FLASHSIM_COLUMNSTORE

#include <ROOT/RDF/RActionImpl.hxx>
#include <ROOT/RDF/RInterface.hxx>
#include <ROOT/RResultPtr.hxx>
#include <ROOT/RVec.hxx>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

class TTreeReader;

namespace FlashSim {

/// Place of a collected value: the slot of the upstream event loop, and the position among the slot's values.
struct CollectedAt {
   std::uint32_t fSlot = 0;
   std::uint32_t fIndex = 0;
};

/// \brief The values of one upstream column in the current chunk of GEN events, of any type.
///
/// Life cycle, once per chunk: Clear(), Book() on the upstream node, the upstream event loop, then any number of reads
/// from any number of threads, each with a slot of its own, until the next Clear().
class ColumnStore {
public:
   virtual ~ColumnStore() = default;

   /// Type of the column's values, as downstream readers must request it.
   virtual const std::type_info &GetTypeId() const = 0;

   /// Forgets all values. \param[in] nUpstreamSlots slots of the upstream event loop
   virtual void Clear(unsigned int nUpstreamSlots) = 0;

   /// Prepares for reads. \param[in] nSlots slots of the downstream event loop
   virtual void SetNReadSlots(unsigned int nSlots) = 0;

   /// Books the collection of `column` on `node`; the collection lasts as long as the returned handle.
   virtual std::shared_ptr<void> Book(ROOT::RDF::RNode node, const std::string &column) = 0;

   /// Address of a copy of the value for downstream slot `slot`; valid until the slot's next call or the next Clear().
   /// The address is the same for all values, as for RDataFrame's own readers: Snapshot takes it once, at the first
   /// entry. It is a copy: RDataFrame lets expressions change the values they read, which other entries read too.
   virtual void *GetValue(unsigned int slot, CollectedAt at) = 0;

   /// Whether the values are numbers or collections of numbers.
   virtual bool IsNumeric() const = 0;
   /// Whether the values are integers.
   virtual bool IsInteger() const = 0;
   /// Whether the values are RVecs.
   virtual bool IsCollection() const = 0;
   /// Number of elements of a collection, 1 for a scalar.
   virtual std::size_t GetSize(CollectedAt at) const = 0;
   /// Writes the value (each element of it) to out[0], out[stride], ...; only for numeric columns.
   virtual void CopyTo(CollectedAt at, float *out, std::size_t stride) const = 0;
   /// The value of an integer scalar.
   virtual std::uint64_t GetInteger(CollectedAt at) const = 0;
};

namespace Detail {

template <typename T>
struct CollectionTraits {
   using Element_t = T;
   static constexpr bool kIsCollection = false;
};
template <typename T>
struct CollectionTraits<ROOT::VecOps::RVec<T>> {
   using Element_t = T;
   static constexpr bool kIsCollection = true;
};

/// Values as collected by one upstream slot.
template <typename T>
struct ScalarBuffer {
   // std::vector<bool> has no addressable elements
   using Stored_t = std::conditional_t<std::is_same_v<T, bool>, char, T>;
   std::vector<Stored_t> fValues;
   void Append(const T &value) { fValues.push_back(value); }
   std::size_t GetSize(std::size_t) const { return 1; }
   const Stored_t *GetData(std::size_t index) const { return fValues.data() + index; }
};

/// Collections of arithmetic elements end to end: a chunk takes few allocations.
template <typename T>
struct FlatBuffer {
   using Stored_t = std::conditional_t<std::is_same_v<T, bool>, char, T>;
   std::vector<Stored_t> fValues;
   std::vector<std::size_t> fOffsets{0};
   void Append(const ROOT::VecOps::RVec<T> &value)
   {
      fValues.insert(fValues.end(), value.begin(), value.end());
      fOffsets.push_back(fValues.size());
   }
   std::size_t GetSize(std::size_t index) const { return fOffsets[index + 1] - fOffsets[index]; }
   const Stored_t *GetData(std::size_t index) const { return fValues.data() + fOffsets[index]; }
};

/// Action that appends each value of a column to a buffer of its slot.
template <typename Buffer, typename T>
class CollectHelper : public ROOT::Detail::RDF::RActionImpl<CollectHelper<Buffer, T>> {
public:
   using Result_t = std::vector<Buffer>;
   explicit CollectHelper(std::shared_ptr<Result_t> buffers) : fBuffers(std::move(buffers)) {}
   CollectHelper(CollectHelper &&) = default;
   CollectHelper(const CollectHelper &) = delete;
   std::shared_ptr<Result_t> GetResultPtr() const { return fBuffers; }
   void Initialize() {}
   void InitTask(TTreeReader *, unsigned int) {}
   void Exec(unsigned int slot, const T &value) { (*fBuffers)[slot].Append(value); }
   void Finalize() {}
   std::string GetActionName() const { return "FlashSim look-ahead"; }

private:
   std::shared_ptr<Result_t> fBuffers;
};

} // namespace Detail

/// ColumnStore for values of type T. Every type that can be copied may be collected.
template <typename T>
class TypedColumnStore final : public ColumnStore {
   using Traits = Detail::CollectionTraits<T>;
   using Element_t = typename Traits::Element_t;
   static constexpr bool kIsNumeric = std::is_arithmetic_v<Element_t>;
   static constexpr bool kIsFlat = Traits::kIsCollection && kIsNumeric;
   using Buffer = std::conditional_t<kIsFlat, Detail::FlatBuffer<Element_t>, Detail::ScalarBuffer<T>>;

public:
   const std::type_info &GetTypeId() const final { return typeid(T); }
   bool IsNumeric() const final { return kIsNumeric; }
   bool IsInteger() const final { return std::is_integral_v<Element_t>; }
   bool IsCollection() const final { return Traits::kIsCollection; }

   void Clear(unsigned int nUpstreamSlots) final { fBuffers = std::make_shared<std::vector<Buffer>>(nUpstreamSlots); }
   void SetNReadSlots(unsigned int nSlots) final { fViews.resize(nSlots); }

   std::shared_ptr<void> Book(ROOT::RDF::RNode node, const std::string &column) final
   {
      using Helper = Detail::CollectHelper<Buffer, T>;
      return std::make_shared<ROOT::RDF::RResultPtr<typename Helper::Result_t>>(
          node.template Book<T>(Helper(fBuffers), {column}));
   }

   void *GetValue(unsigned int slot, CollectedAt at) final
   {
      auto &buffer = (*fBuffers)[at.fSlot];
      auto &view = fViews[slot].fValue;
      if constexpr (kIsFlat) {
         const auto *data = buffer.GetData(at.fIndex);
         view.assign(data, data + buffer.GetSize(at.fIndex));
      } else {
         view = buffer.fValues[at.fIndex];
      }
      return &view;
   }

   std::size_t GetSize(CollectedAt at) const final
   {
      if constexpr (Traits::kIsCollection && !kIsFlat)
         return (*fBuffers)[at.fSlot].fValues[at.fIndex].size();
      else
         return (*fBuffers)[at.fSlot].GetSize(at.fIndex);
   }

   void CopyTo([[maybe_unused]] CollectedAt at, [[maybe_unused]] float *out,
               [[maybe_unused]] std::size_t stride) const final
   {
      if constexpr (kIsNumeric) {
         const auto &buffer = (*fBuffers)[at.fSlot];
         const auto *data = buffer.GetData(at.fIndex);
         for (std::size_t i = 0, size = buffer.GetSize(at.fIndex); i < size; ++i)
            out[i * stride] = static_cast<float>(data[i]);
      }
   }

   std::uint64_t GetInteger([[maybe_unused]] CollectedAt at) const final
   {
      if constexpr (std::is_integral_v<T>)
         return static_cast<std::uint64_t>((*fBuffers)[at.fSlot].fValues[at.fIndex]);
      else
         return 0;
   }

private:
   struct alignas(64) View { // a cache line of its own for each slot
      T fValue{};
   };
   std::shared_ptr<std::vector<Buffer>> fBuffers = std::make_shared<std::vector<Buffer>>();
   std::vector<View> fViews;
};

using ColumnStoreFactory = std::function<std::unique_ptr<ColumnStore>()>;

/// Makes columns of type `typeName` collectable; called for all fundamental types and RVecs of them by the library
/// itself, and just in time for others.
void RegisterColumnStore(const std::string &typeName, ColumnStoreFactory factory);

/// \brief A store for columns of a type known by name, as RInterface::GetColumnType gives it.
/// \throws std::runtime_error naming the column and the type, if the interpreter does not know the type or cannot copy
/// it
std::unique_ptr<ColumnStore> MakeColumnStore(const std::string &typeName, const std::string &column);

} // namespace FlashSim

#endif
