#ifdef __CLING__

#pragma link off all globals;
#pragma link off all classes;
#pragma link off all functions;
#pragma link C++ nestedclasses;

#pragma link C++ namespace FlashSim;
#pragma link C++ class FlashSim::OpenedModel-;
#pragma link C++ class FlashSim::Flow-;
#pragma link C++ class FlashSim::ProbabilityModel-;
#pragma link C++ class FlashSim::ClipCounts-;
#pragma link C++ struct FlashSim::FlowContract-;
#pragma link C++ struct FlashSim::FlowVariable-;
#pragma link C++ struct FlashSim::EventIdentity-;
#pragma link C++ struct FlashSim::NoiseRow-;
#pragma link C++ enum FlashSim::EOutOfRange;
#pragma link C++ struct FlashSim::SimulateOptions-;
#pragma link C++ struct FlashSim::FlowOptions-;
#pragma link C++ struct FlashSim::FoldSourceOptions-;
#pragma link C++ class FlashSim::FoldSource-;
#pragma link C++ function FlashSim::HearInterrupts;
#pragma link C++ function FlashSim::GetFoldSize;
#pragma link C++ class FlashSim::LoopProgress-;

// Oversampled histograms. OversampledTH has a Streamer of its own, hence the minus. Classes are written out, of
// FLASHSIM_FOR_EACH_OVERSAMPLEDTH too: rootcling takes no macros here, and writes a pattern into the rootmap as it is.
#pragma link C++ class FlashSim::FoldSums+;
#pragma link C++ class FlashSim::OversampledTH<TH1D>-;
#pragma link C++ class FlashSim::OversampledTH1D+;
#pragma link C++ class FlashSim::OversampledTH<TH1F>-;
#pragma link C++ class FlashSim::OversampledTH1F+;
#pragma link C++ class FlashSim::OversampledTH<TH2D>-;
#pragma link C++ class FlashSim::OversampledTH2D+;
#pragma link C++ class FlashSim::OversampledTH<TH2F>-;
#pragma link C++ class FlashSim::OversampledTH2F+;
#pragma link C++ class FlashSim::OversampledTH<TH3D>-;
#pragma link C++ class FlashSim::OversampledTH3D+;
#pragma link C++ class FlashSim::OversampledTH<TH3F>-;
#pragma link C++ class FlashSim::OversampledTH3F+;
#pragma link C++ struct FlashSim::Chi2Result+;
#pragma link C++ struct FlashSim::FoldOptions+;
#pragma link C++ class FlashSim::OversampledTEfficiency-;
#pragma link C++ function FlashSim::BookOversampledTH1D;
#pragma link C++ function FlashSim::BookOversampledTH2D;
#pragma link C++ function FlashSim::BookOversampledTH3D;
#pragma link C++ function FlashSim::BookOversampledTEfficiency;
#pragma link C++ function FlashSim::ReadOversampledTH;
#pragma link C++ function FlashSim::IsOversampledTH;
#pragma link C++ namespace FlashSim::Booking;
#pragma link C++ function FlashSim::Booking::*;
// Results that distributed RDataFrame sends between processes.
#pragma link C++ function FlashSim::RunGraph;
#pragma link C++ function FlashSim::RunGraphs;
#pragma link C++ function FlashSim::IsAnythingBooked;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<ROOT::RDF::RCutFlowReport>+;
#pragma link C++ class FlashSim::MergeableReport+;
#pragma link C++ function FlashSim::MakeMergeable;
#pragma link C++ function FlashSim::BookReport;
#pragma link C++ struct FlashSim::EventKey+;
#pragma link C++ struct FlashSim::CellWeights+;
#pragma link C++ struct FlashSim::Fold+;
#pragma link C++ struct FlashSim::FoldPart+;
#pragma link C++ struct FlashSim::FoldLabels+;
#pragma link C++ class FlashSim::SeenEvents::Sample+;
#pragma link C++ class FlashSim::SeenEvents+;
#pragma link C++ class FlashSim::OpenFolds+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<FlashSim::OversampledTH1D>+;
#pragma link C++ class FlashSim::MergeableOversampledTH<FlashSim::OversampledTH1D>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableVariations<FlashSim::OversampledTH1D>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<FlashSim::OversampledTH1F>+;
#pragma link C++ class FlashSim::MergeableOversampledTH<FlashSim::OversampledTH1F>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableVariations<FlashSim::OversampledTH1F>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<FlashSim::OversampledTH2D>+;
#pragma link C++ class FlashSim::MergeableOversampledTH<FlashSim::OversampledTH2D>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableVariations<FlashSim::OversampledTH2D>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<FlashSim::OversampledTH2F>+;
#pragma link C++ class FlashSim::MergeableOversampledTH<FlashSim::OversampledTH2F>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableVariations<FlashSim::OversampledTH2F>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<FlashSim::OversampledTH3D>+;
#pragma link C++ class FlashSim::MergeableOversampledTH<FlashSim::OversampledTH3D>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableVariations<FlashSim::OversampledTH3D>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableValue<FlashSim::OversampledTH3F>+;
#pragma link C++ class FlashSim::MergeableOversampledTH<FlashSim::OversampledTH3F>+;
#pragma link C++ class ROOT::Detail::RDF::RMergeableVariations<FlashSim::OversampledTH3F>+;

// What DefineFolds adds: [fold index][object]
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<float>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<double>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<signed char>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<unsigned char>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<short>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<unsigned short>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<int>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<unsigned int>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<Long64_t>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<ULong64_t>>+;
#pragma link C++ class ROOT::VecOps::RVec<ROOT::VecOps::RVec<bool>>+;

#endif
