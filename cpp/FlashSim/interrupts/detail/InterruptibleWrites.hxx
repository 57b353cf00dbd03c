// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_INTERRUPTIBLEWRITES
#define FLASHSIM_INTERRUPTIBLEWRITES

namespace FlashSim {

/// \brief From now on, ROOT does not ignore SIGINT while it writes to a file and `isHeard` returns true.
///
/// TFile::WriteBuffer calls TSystem::IgnoreInterrupt before and after it writes: a Ctrl-C that comes meanwhile is lost.
/// Two threads that write at the same time, as those of Snapshot do, can leave the signal ignored for good, since the
/// later one saves and restores the disposition that the earlier one has set. The write itself needs no protection:
/// it continues after a signal handler.
///
/// There is no switch for this in ROOT. The virtual function TUnixSystem::IgnoreSignal of the object gSystem is
/// overridden: the object is given the table of virtual functions of a derived class that has no data of its own. Where
/// gSystem is no TUnixSystem, the signal stays ignored.
///
/// \param[in] isHeard called by any thread
void WriteInterruptibly(bool (*isHeard)());

} // namespace FlashSim

#endif
