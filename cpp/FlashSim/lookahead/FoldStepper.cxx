// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/detail/FoldStepper.hxx"

#include "FlashSim/lookahead/detail/FoldEventLoop.hxx"

#include <exception>

namespace FlashSim {

FoldSource::Stepper::Stepper(FoldSource &source) : fSource(source), fNExceptions(std::uncaught_exceptions()) {}

FoldSource::Stepper::~Stepper()
{
   const bool isEndedByError = std::uncaught_exceptions() > fNExceptions;
   if (!isEndedByError && fSource.fOptions.fAtEnd)
      fSource.fOptions.fAtEnd();
}

FoldSource::Stepper::Step::Step(Stepper &stepper) : fStepper(stepper)
{
   fStepper.fHasChunk = false;
   fStepper.fSource.fStepper = &fStepper;
}

FoldSource::Stepper::Step::~Step()
{
   fStepper.fSource.fStepper = nullptr;
}

} // namespace FlashSim
