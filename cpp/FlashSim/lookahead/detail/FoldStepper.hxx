// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDSTEPPER
#define FLASHSIM_FOLDSTEPPER

#include "FlashSim/lookahead/FoldSource.hxx"

#include <memory>

namespace FlashSim {

/// \brief Steps an earlier look-ahead for a later one: each event loop of its graph covers one chunk, and the next one
/// continues where it has ended.
///
/// Between two steps, event loops of the graph for other results cover the whole dataset, as always.
class FoldSource::Stepper {
public:
   explicit Stepper(FoldSource &source);
   ~Stepper();
   Stepper(const Stepper &) = delete;
   Stepper &operator=(const Stepper &) = delete;

   /// Whether the last step has found no more events.
   bool IsAtEnd() const { return fIsAtEnd; }

   const LookAheadPosition &GetPosition() const { return fSource.GetPosition(); }

   /// During the lifetime of this object, an event loop of the graph is a step.
   class Step {
   public:
      explicit Step(Stepper &stepper);
      ~Step();
      Step(const Step &) = delete;
      Step &operator=(const Step &) = delete;

   private:
      Stepper &fStepper;
   };

private:
   friend class FoldSource;
   FoldSource &fSource;
   int fNExceptions;                 ///< in flight at the start
   std::unique_ptr<EventLoop> fLoop; ///< of the source, between two steps
   bool fHasChunk = false;           ///< whether the step at hand has its chunk
   bool fIsAtEnd = false;
};

} // namespace FlashSim

#endif
