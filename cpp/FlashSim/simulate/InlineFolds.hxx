// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_INLINEFOLDS
#define FLASHSIM_INLINEFOLDS

#include "FlashSim/Flow.hxx"
#include "FlashSim/flow/DeclaredRanges.hxx"
#include "FlashSim/simulate/ObjectTable.hxx"
#include "FlashSim/simulate/RowProvider.hxx"

#include <ROOT/RVec.hxx>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace FlashSim {

/// The context columns of one GEN event, as PackContext() gathers them.
class InlineContext final : public RowProvider {
public:
   template <typename T>
   void Add(const T &value)
   {
      static_assert(std::is_arithmetic_v<T>, "A context column must hold numbers or RVecs of numbers");
      fVariables.push_back({{static_cast<float>(value)}, false});
   }
   template <typename T>
   void Add(const ROOT::VecOps::RVec<T> &values)
   {
      static_assert(std::is_arithmetic_v<T>, "A context column must hold numbers or RVecs of numbers");
      fVariables.push_back({std::vector<float>(values.begin(), values.end()), true});
   }

   std::size_t GetNVariables() const final { return fVariables.size(); }
   bool IsCollection(std::size_t variable) const final { return fVariables[variable].fIsCollection; }
   bool IsSameInFold() const final { return true; }
   std::size_t GetSize(std::size_t variable, std::size_t, std::size_t) const final
   {
      return fVariables[variable].fValues.size();
   }
   void CopyTo(std::size_t variable, std::size_t, std::size_t, float *out, std::size_t stride) const final
   {
      const auto &values = fVariables[variable].fValues;
      for (std::size_t i = 0; i < values.size(); ++i)
         out[i * stride] = values[i];
   }

private:
   struct Variable {
      std::vector<float> fValues;
      bool fIsCollection;
   };
   std::vector<Variable> fVariables;
};

/// Gathers the columns of a context, scalars and RVecs of any numeric type, in the flow's order.
template <typename... Columns>
InlineContext PackContext(const Columns &...columns)
{
   InlineContext context;
   (context.Add(columns), ...);
   return context;
}

/// The identity of an event from its three numbers.
inline EventIdentity PackIdentity(std::uint32_t run, std::uint32_t luminosityBlock, std::uint64_t event)
{
   return {event, run, luminosityBlock, false};
}

/// The identity of an event from its entry number.
inline EventIdentity PackIdentity(std::uint64_t entry)
{
   return {entry, 0, 0, true};
}

/// The fold of one GEN event.
class InlineSample {
public:
   InlineSample() = default;
   explicit InlineSample(std::shared_ptr<ObjectTable> objects) : fObjects(std::move(objects)) {}

   /// Number of objects, the same in each RECO event.
   std::size_t GetNObjects() const { return GetFoldSize() > 0 ? fObjects->GetSize(0) : 0; }

   /// Values of a target, [fold index][object]; views, valid as long as this object or a copy of it lives.
   template <typename T>
   ROOT::VecOps::RVec<ROOT::VecOps::RVec<T>> GetTarget(std::size_t target) const
   {
      ROOT::VecOps::RVec<ROOT::VecOps::RVec<T>> fold(GetFoldSize());
      for (std::size_t i = 0; i < fold.size(); ++i)
         fold[i] = fObjects->template GetTarget<T>(target, i);
      return fold;
   }

   /// Values of a target of a flow of events, [fold index].
   template <typename T>
   ROOT::VecOps::RVec<T> GetValues(std::size_t target) const
   {
      ROOT::VecOps::RVec<T> fold(GetFoldSize());
      for (std::size_t i = 0; i < fold.size(); ++i)
         fold[i] = fObjects->template GetValue<T>(target, i);
      return fold;
   }

   /// Index of each object's GEN object, [fold index][object].
   ROOT::VecOps::RVec<ROOT::VecOps::RVec<short>> GetSourceIndex() const
   {
      ROOT::VecOps::RVec<ROOT::VecOps::RVec<short>> fold(GetFoldSize());
      for (std::size_t i = 0; i < fold.size(); ++i)
         fold[i] = fObjects->GetSourceIndex(i);
      return fold;
   }

private:
   std::size_t GetFoldSize() const { return fObjects ? fObjects->GetNRecoEvents() : 0; }

   std::shared_ptr<ObjectTable> fObjects;
};

/// \brief Functor for a plain `Define`: N RECO samples of one GEN event, without look-ahead.
///
/// Stateless between calls, hence safe to call from several threads. FlashSim::DefineFolds() is the convenient way to
/// use it.
///
/// ~~~{.cpp}
/// FlashSim::InlineFolds folds(flow, {"GenJet_pt", "GenJet_eta"}, 10, 1);
/// auto node = df.Define("context", FlashSim::PackContext<ROOT::RVecF, ROOT::RVecF>, {"GenJet_pt", "GenJet_eta"})
///                .Define("identity", [](ULong64_t event) { return FlashSim::PackIdentity(1, 1, event); }, {"event"})
///                .Define("sample", folds, {"context", "identity"})
///                .Define("Jet_pt", [](const FlashSim::InlineSample &s) { return s.GetTarget<float>(0); }, {"sample"});
/// ~~~
class InlineFolds {
public:
   /// \param[in] flow the flow that samples
   /// \param[in] contextNames the columns of the context, for messages
   /// \param[in] foldSize RECO events per GEN event, at least 1
   /// \param[in] seed as in Flow::Sample()
   /// \param[in] steps as in Flow::Sample()
   /// \param[in] outOfRange treatment of values that the flow's contract does not allow. The first clipped value of a
   ///            variable is printed at once, the number of all when the last copy of this object is destroyed.
   InlineFolds(std::shared_ptr<const Flow> flow, std::vector<std::string> contextNames, int foldSize,
               std::uint64_t seed = 0, int steps = 0, EOutOfRange outOfRange = EOutOfRange::kError);

   /// \throws std::runtime_error naming the event if the context cannot be used
   InlineSample operator()(const InlineContext &context, const EventIdentity &identity) const
   {
      return Sample(context, identity, 0);
   }

   /// The same for samples that do not begin at fold index 0, since there are others of the same GEN event.
   InlineSample Sample(const InlineContext &context, const EventIdentity &identity, std::size_t firstFoldIndex) const;

private:
   std::shared_ptr<const DeclaredRanges> fRanges;
   std::size_t fFoldSize;
   std::uint64_t fSeed;
   int fSteps;
};

} // namespace FlashSim

#endif
